//! A page with pictures: one file, no scripts, nothing fetched.

use super::{Row, number};
use plotters::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

const WIDTH: u32 = 860;
const ROW_HEIGHT: u32 = 26;
const OURS: RGBColor = RGBColor(0x1b, 0x7f, 0x5c);
const LOSS: RGBColor = RGBColor(0xc2, 0x4d, 0x3a);
const GREY: RGBColor = RGBColor(0x9a, 0x9a, 0x9a);
/// Colours of the peers in pictures that show all.
const PEERS: [RGBColor; 5] = [
    RGBColor(0x35, 0x6a, 0xa8),
    RGBColor(0x8a, 0x5a, 0xa8),
    RGBColor(0xc9, 0x86, 0x2b),
    RGBColor(0x4a, 0x9b, 0xb5),
    RGBColor(0xb8, 0xa5, 0x1e),
];
/// Of text; it comes out at four fifths of this.
const SIZE: u32 = 15;
/// Left and right of the bars of ratios.
const LABELS: i32 = 330;
const MARGIN: i32 = 90;

type Problem = Box<dyn std::error::Error>;

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn short(peer: &str) -> &str {
    peer.split(' ').next().unwrap_or_default()
}

/// Ratios as bars on a scale of doublings: to the right of the line we are better.
fn ratios(rows: &[&Row]) -> Result<String, Problem> {
    let rows: Vec<(&Row, f64)> = rows
        .iter()
        .filter_map(|row| row.ratio.filter(|ratio| *ratio > 0.0).map(|ratio| (*row, ratio)))
        .collect();
    if rows.is_empty() {
        return Ok(String::new());
    }
    let most = rows.iter().map(|(_, ratio)| ratio.log2().abs()).fold(1.0, f64::max).ceil();
    let height = ROW_HEIGHT * (rows.len() as u32 + 1);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        let (left, right) = (LABELS, WIDTH as i32 - MARGIN);
        let at = |doublings: f64| left + ((right - left) as f64 * (doublings + most) / (2.0 * most)) as i32;
        let text = |size: u32| TextStyle::from(("sans-serif", size).into_font()).color(&BLACK);
        let bottom = height as i32;
        let step = (most / 4.0).ceil().max(1.0);
        let mut tick = -most;
        while tick <= most {
            let x = at(tick);
            let style = if tick == 0.0 { BLACK.stroke_width(1) } else { GREY.mix(0.4).stroke_width(1) };
            area.draw(&PathElement::new(vec![(x, ROW_HEIGHT as i32), (x, bottom)], style))?;
            area.draw(&Text::new(format!("{}×", number(tick.exp2())), (x - 14, 6), text(SIZE)))?;
            tick += step;
        }
        for (line, (row, ratio)) in rows.iter().enumerate() {
            let top = (ROW_HEIGHT * (line as u32 + 1)) as i32;
            let label = format!("{} ({})", row.work, short(&row.peer));
            area.draw(&Text::new(label, (4, top + 7), text(SIZE)))?;
            let (from, to) = (at(0.0), at(ratio.log2()));
            let colour = if *ratio >= 1.0 { OURS } else { LOSS };
            let bar = [(from.min(to), top + 4), (from.max(to), top + ROW_HEIGHT as i32 - 4)];
            area.draw(&Rectangle::new(bar, colour.filled()))?;
            let place = if *ratio >= 1.0 { to + 4 } else { to - 46 };
            area.draw(&Text::new(format!("{}×", number(*ratio)), (place, top + 7), text(SIZE)))?;
        }
        area.present()?;
    }
    Ok(svg)
}

/// The rounds of one figure, side by side: whether a difference is more than noise is seen here.
fn rounds(rows: &[&Row]) -> Result<String, Problem> {
    let Some(first) = rows.first() else { return Ok(String::new()) };
    let mut sides = vec![("ours", &first.ours_rounds, OURS)];
    for (at, row) in rows.iter().enumerate() {
        sides.push((short(&row.peer), &row.theirs_rounds, PEERS[at % PEERS.len()]));
    }
    sides.retain(|(_, values, _)| !values.is_empty());
    let most = sides.iter().flat_map(|(_, values, _)| values.iter().copied()).fold(0.0, f64::max);
    if most <= 0.0 {
        return Ok(String::new());
    }
    let height = ROW_HEIGHT * sides.len() as u32 + 8;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        let text = || TextStyle::from(("sans-serif", SIZE).into_font()).color(&BLACK);
        let (left, right) = (90, WIDTH as i32 - MARGIN);
        let at = |value: f64| left + ((right - left) as f64 * value / most) as i32;
        for (line, (name, values, colour)) in sides.iter().enumerate() {
            let middle = (ROW_HEIGHT * line as u32 + ROW_HEIGHT / 2) as i32;
            area.draw(&Text::new(name.to_string(), (4, middle - 6), text()))?;
            area.draw(&PathElement::new(
                vec![(left, middle), (right, middle)],
                GREY.mix(0.4).stroke_width(1),
            ))?;
            for value in values.iter() {
                area.draw(&Circle::new((at(*value), middle), 4, colour.filled()))?;
            }
            if let Some(median) = super::median(values) {
                let x = at(median);
                area.draw(&PathElement::new(vec![(x, middle - 9), (x, middle + 9)], colour.stroke_width(2)))?;
                area.draw(&Text::new(number(median), (right + 8, middle - 6), text()))?;
            }
        }
        area.present()?;
    }
    Ok(svg)
}

fn table(rows: &[&Row]) -> String {
    let mut out = String::from(
        "<table><tr><th>work</th><th>peer</th><th>unit</th><th>ours</th><th>theirs</th><th>ratio</th><th>goal</th><th></th></tr>\n",
    );
    for row in rows {
        let figure = |value: Option<f64>, spread: Option<f64>| {
            let spread =
                spread.map_or(String::new(), |spread| format!(" <small>±{:.0}%</small>", spread * 100.0));
            value.map_or("–".to_string(), |value| format!("{}{spread}", number(value)))
        };
        let (class, verdict) = match (row.met, &row.error) {
            (_, Some(error)) if row.has_failed() => ("bad", format!("failed: {error}")),
            (_, Some(error)) => ("", error.clone()),
            (Some(true), None) => ("good", "met".into()),
            (Some(false), None) => ("bad", "not met".into()),
            (None, None) => ("", String::new()),
        };
        let mut words = vec![verdict];
        words.extend(row.partial.then(|| "partial".to_string()));
        words.extend(row.note.clone());
        words.extend(row.checked.as_ref().map(|checked| format!("checked: {checked}")));
        words.retain(|word| !word.is_empty());
        out.push_str(&format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=n>{}</td><td class=n>{}</td><td class=n>{}</td><td>{}</td><td class=\"{class}\">{}</td></tr>\n",
            escaped(&row.work),
            escaped(&row.peer),
            escaped(&row.unit),
            figure(row.ours, row.spread_ours),
            figure(row.theirs, row.spread_theirs),
            row.ratio.map_or("–".into(), |ratio| format!("{}×", number(ratio))),
            escaped(row.goal.as_deref().unwrap_or_default()),
            escaped(&words.join("; ")),
        ));
    }
    out.push_str("</table>\n");
    out
}

/// The whole page.
fn page(rows: &[Row]) -> Result<String, Problem> {
    let main: Vec<&Row> = rows.iter().filter(|row| !row.detail).collect();
    let all: Vec<&Row> = rows.iter().collect();
    let setting = rows.first().map(|row| row.setting.clone()).unwrap_or_default();
    let mut out = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>AuroraDB: the race</title>\n<style>\
         body{{font:15px/1.5 sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem;color:#222}}\
         table{{border-collapse:collapse;font-size:13px}}td,th{{padding:.2rem .6rem;border-bottom:1px solid #ddd;text-align:left}}\
         .n{{text-align:right;white-space:nowrap}}.good{{color:#1b7f5c}}.bad{{color:#c24d3a}}small{{color:#777}}svg{{max-width:100%}}\
         </style>\n<h1>AuroraDB: the race</h1>\n<p>{}</p>\n\
         <h2>Ratios</h2>\n<p>To the right of 1× we are better; each line is a doubling.</p>\n{}\n",
        escaped(&setting),
        ratios(&main)?
    );
    let mut by_figure: BTreeMap<usize, Vec<&Row>> = BTreeMap::new();
    for row in &main {
        let first = rows.iter().position(|other| other.work == row.work).unwrap_or_default();
        by_figure.entry(first).or_default().push(row);
    }
    out.push_str("<h2>Rounds</h2>\n<p>Each point is a round, the bar its median.</p>\n");
    for rows in by_figure.values() {
        if let Some(first) = rows.first() {
            let svg = rounds(rows)?;
            if !svg.is_empty() {
                out.push_str(&format!(
                    "<h3>{} <small>{}</small></h3>\n{svg}\n",
                    escaped(&first.work),
                    escaped(&first.unit)
                ));
            }
        }
    }
    out.push_str(&format!("<h2>All figures</h2>\n{}</html>\n", table(&all)));
    Ok(out)
}

/// Writes the page.
pub fn write(path: &Path, rows: &[Row]) -> Result<(), String> {
    let text = page(rows).map_err(|error| format!("the page could not be drawn: {error}"))?;
    std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}
