//! A page with pictures: one file, no scripts, nothing fetched.

use super::{Row, number};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
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
/// Left and right of the bars of ratios, with room for the longest ratio beside them.
const LABELS: i32 = 310;
const MARGIN: i32 = 90;
/// Bars of larger ratios end here.
const MOST_DOUBLINGS: f64 = 12.0;
/// A work of more figures shows so many, and the others when asked.
const FIGURES: usize = 12;
const FIRST_FIGURES: usize = 3;
const STYLE: &str = include_str!("page.css");

type Problem = Box<dyn std::error::Error>;

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn short(peer: &str) -> &str {
    peer.split(' ').next().unwrap_or_default()
}

/// What the page's colours decide, light or dark.
fn inked(svg: String) -> String {
    svg.replace("\"#000000\"", "\"currentColor\"")
}

/// The figure's name, without the work's.
fn figure_name(row: &Row) -> &str {
    row.work.split_once(": ").map_or(row.work.as_str(), |(_, figure)| figure)
}

fn work_name(row: &Row) -> &str {
    row.work.split(": ").next().unwrap_or_default()
}

/// Half the width of the picture of ratios, in doublings; the same for all works.
fn doublings(rows: &[&Row]) -> f64 {
    let ratios = rows.iter().filter_map(|row| row.ratio).filter(|ratio| *ratio > 0.0);
    ratios.map(|ratio| ratio.log2().abs()).fold(1.0, f64::max).ceil().min(MOST_DOUBLINGS)
}

/// Ratios as bars on a scale of doublings: to the right of the line we are better.
fn ratios(rows: &[&Row], most: f64) -> Result<String, Problem> {
    let rows: Vec<(&Row, f64)> = rows
        .iter()
        .filter_map(|row| row.ratio.filter(|ratio| *ratio > 0.0).map(|ratio| (*row, ratio)))
        .collect();
    if rows.is_empty() {
        return Ok(String::new());
    }
    let height = ROW_HEIGHT * (rows.len() as u32 + 1);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        let (left, right) = (LABELS, WIDTH as i32 - MARGIN);
        let at = |doublings: f64| {
            let share = (doublings.clamp(-most, most) + most) / (2.0 * most);
            left + (f64::from(right - left) * share) as i32
        };
        let text = |anchor: HPos| {
            let style = TextStyle::from(("sans-serif", SIZE).into_font()).color(&BLACK);
            style.pos(Pos::new(anchor, VPos::Top))
        };
        let bottom = height as i32;
        let step = (most / 4.0).ceil().max(1.0);
        // From the middle outwards, so that 1× is always among them.
        let ticks = (most / step).floor() as i32;
        for tick in (-ticks..=ticks).map(|tick| f64::from(tick) * step) {
            let x = at(tick);
            let style = if tick == 0.0 { BLACK.stroke_width(1) } else { GREY.mix(0.4).stroke_width(1) };
            area.draw(&PathElement::new(vec![(x, ROW_HEIGHT as i32), (x, bottom)], style))?;
            let name =
                if tick < 0.0 { format!("1/{}×", (-tick).exp2()) } else { format!("{}×", tick.exp2()) };
            area.draw(&Text::new(name, (x, 6), text(HPos::Center)))?;
        }
        for (line, (row, ratio)) in rows.iter().enumerate() {
            let top = (ROW_HEIGHT * (line as u32 + 1)) as i32;
            let label = format!("{}, {}", figure_name(row), short(&row.peer));
            area.draw(&Text::new(label, (4, top + 7), text(HPos::Left)))?;
            let (from, to) = (at(0.0), at(ratio.log2()));
            let colour = if *ratio >= 1.0 { OURS } else { LOSS };
            let bar = [(from.min(to), top + 4), (from.max(to), top + ROW_HEIGHT as i32 - 4)];
            area.draw(&Rectangle::new(bar, colour.filled()))?;
            let (place, anchor) = if *ratio >= 1.0 { (to + 5, HPos::Left) } else { (to - 5, HPos::Right) };
            area.draw(&Text::new(format!("{}×", number(*ratio)), (place, top + 7), text(anchor)))?;
        }
        area.present()?;
    }
    Ok(inked(svg))
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
    Ok(inked(svg))
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

/// The rows of each work, in order.
fn by<'a>(rows: &[&'a Row], name: impl Fn(&Row) -> &str) -> Vec<Vec<&'a Row>> {
    let mut groups: Vec<Vec<&Row>> = Vec::new();
    for row in rows {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| name(first) == name(row))) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

/// Pictures of one work: all figures', or the first ones' and the others' folded away.
fn folded(
    figures: &[Vec<&Row>],
    picture: impl Fn(&[Vec<&Row>]) -> Result<String, Problem>,
) -> Result<String, Problem> {
    if figures.len() <= FIGURES {
        return picture(figures);
    }
    let (first, rest) = figures.split_at(FIRST_FIGURES);
    let more = picture(rest)?;
    let more = if more.is_empty() {
        more
    } else {
        format!("<details><summary>{} more</summary>\n{more}</details>\n", rest.len())
    };
    Ok(picture(first)? + &more)
}

/// The whole page.
fn page(rows: &[Row]) -> Result<String, Problem> {
    let main: Vec<&Row> = rows.iter().filter(|row| !row.detail).collect();
    let all: Vec<&Row> = rows.iter().collect();
    let setting = rows.first().map(|row| row.setting.clone()).unwrap_or_default();
    let parts: String = setting.split("; ").map(|part| format!("<li>{}</li>\n", escaped(part))).collect();
    let mut out = format!(
        "<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>AuroraDB: the race</title>\n<style>\n{STYLE}</style>\n<h1>AuroraDB: the race</h1>\n<ul>\n{parts}</ul>\n"
    );
    let failed: Vec<&Row> = all.iter().copied().filter(|row| row.has_failed()).collect();
    if !failed.is_empty() {
        out.push_str("<h2>Failed</h2>\n<ul>\n");
        let mut told = Vec::new();
        for row in failed {
            let failure = (work_name(row), &row.peer, &row.error);
            if !told.contains(&failure) {
                told.push(failure);
                let (what, why) = (escaped(&row.work), escaped(row.error.as_deref().unwrap_or_default()));
                out.push_str(&format!("<li class=bad>{what}, {}: {why}</li>\n", escaped(&row.peer)));
            }
        }
        out.push_str("</ul>\n");
    }
    let most = doublings(&main);
    let (mut bars, mut points) = (String::new(), String::new());
    for work in by(&main, work_name) {
        let name = work.first().map_or(String::new(), |row| escaped(work_name(row)));
        let figures = by(&work, figure_name);
        let svg = folded(&figures, |figures| ratios(&figures.concat(), most))?;
        if !svg.is_empty() {
            bars.push_str(&format!("<h3>{name}</h3>\n{svg}\n"));
        }
        let svg = folded(&figures, |figures| {
            let mut out = String::new();
            for figure in figures {
                let svg = rounds(figure)?;
                if let Some(row) = figure.first().filter(|_| !svg.is_empty()) {
                    let (name, unit) = (escaped(figure_name(row)), escaped(&row.unit));
                    out.push_str(&format!("<h4>{name} <small>{unit}</small></h4>\n{svg}\n"));
                }
            }
            Ok(out)
        })?;
        if !svg.is_empty() {
            points.push_str(&format!("<h3>{name}</h3>\n{svg}\n"));
        }
    }
    out.push_str(&format!(
        "<h2>Ratios</h2>\n<p>To the right of 1× we are better; the scale is in doublings.</p>\n{bars}\
         <h2>Rounds</h2>\n<p>Each point is a round, the bar its median.</p>\n{points}\
         <h2>All figures</h2>\n<div class=wide>{}</div></html>\n",
        table(&all)
    ));
    Ok(out)
}

/// Writes the page.
pub fn write(path: &Path, rows: &[Row]) -> Result<(), String> {
    let text = page(rows).map_err(|error| format!("the page could not be drawn: {error}"))?;
    std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}
