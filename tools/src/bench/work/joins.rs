//! Join orders: chains, stars and cliques of joins on generated films and people, as skewed as such data are.

use super::queries::{Queries, Query, QuerySet, load_tables};
use super::{Goal, Workload};
use crate::bench::Setting;
use crate::bench::kind::{Kind, Table};
use crate::bench::random::Random;
use crate::bench::side::Side;
use std::io::{self, Write};

/// The works of this file.
pub fn works() -> Vec<Box<dyn Workload>> {
    vec![Box::new(Queries::new(Joins))]
}

struct Joins;

const TABLES: [Table<'static>; 10] = [
    table("film_kind", &[("id", "INT NOT NULL"), ("name", "VARCHAR(20) NOT NULL")], &[]),
    table("role", &[("id", "INT NOT NULL"), ("name", "VARCHAR(20) NOT NULL")], &[]),
    table(
        "film",
        &[
            ("id", "INT NOT NULL"),
            ("kind_id", "INT NOT NULL"),
            ("year", "INT NOT NULL"),
            ("name", "VARCHAR(60) NOT NULL"),
        ],
        &[("by_kind", &["kind_id"]), ("by_year", &["year"])],
    ),
    table(
        "person",
        &[("id", "INT NOT NULL"), ("sex", "CHAR(1) NOT NULL"), ("name", "VARCHAR(60) NOT NULL")],
        &[],
    ),
    table("keyword", &[("id", "INT NOT NULL"), ("word", "VARCHAR(40) NOT NULL")], &[("by_word", &["word"])]),
    table(
        "company",
        &[("id", "INT NOT NULL"), ("country", "CHAR(2) NOT NULL"), ("name", "VARCHAR(60) NOT NULL")],
        &[("by_country", &["country"])],
    ),
    table(
        "cast_info",
        &[
            ("id", "INT NOT NULL"),
            ("film_id", "INT NOT NULL"),
            ("person_id", "INT NOT NULL"),
            ("role_id", "INT NOT NULL"),
        ],
        &[("by_film", &["film_id"]), ("by_person", &["person_id"])],
    ),
    table(
        "film_keyword",
        &[("id", "INT NOT NULL"), ("film_id", "INT NOT NULL"), ("keyword_id", "INT NOT NULL")],
        &[("by_film", &["film_id"]), ("by_keyword", &["keyword_id"])],
    ),
    table(
        "film_company",
        &[("id", "INT NOT NULL"), ("film_id", "INT NOT NULL"), ("company_id", "INT NOT NULL")],
        &[("by_film", &["film_id"]), ("by_company", &["company_id"])],
    ),
    table(
        "film_info",
        &[
            ("id", "INT NOT NULL"),
            ("film_id", "INT NOT NULL"),
            ("what", "INT NOT NULL"),
            ("told", "VARCHAR(40) NOT NULL"),
        ],
        &[("by_film", &["film_id"])],
    ),
];

const fn table(
    name: &'static str,
    columns: &'static [(&'static str, &'static str)],
    indexes: &'static [(&'static str, &'static [&'static str])],
) -> Table<'static> {
    Table { name, columns, key: &["id"], indexes, foreign: &[] }
}

/// By name: what of each query tests the order of joins.
const QUERIES: [(&str, &str); 14] = [
    (
        "chain of 3",
        "SELECT COUNT(*), MIN(f.name) FROM keyword k, film_keyword fk, film f \
         WHERE k.id = fk.keyword_id AND fk.film_id = f.id AND k.word = 'word 3' AND f.year > 2000",
    ),
    (
        "chain of 5",
        "SELECT COUNT(*), MIN(p.name) FROM keyword k, film_keyword fk, film f, cast_info ci, person p \
         WHERE k.id = fk.keyword_id AND fk.film_id = f.id AND f.id = ci.film_id AND ci.person_id = p.id \
         AND k.word = 'word 40' AND p.sex = 'f'",
    ),
    (
        "chain of 7",
        "SELECT COUNT(*), MIN(c.name) FROM keyword k, film_keyword fk, cast_info c1, cast_info c2, film f, \
         film_company fc, company c WHERE k.word = 'word 120' AND k.id = fk.keyword_id AND fk.film_id = c1.film_id \
         AND c1.person_id = c2.person_id AND c2.film_id = f.id AND f.id = fc.film_id AND fc.company_id = c.id \
         AND f.year < 1960",
    ),
    (
        "star of 4",
        "SELECT COUNT(*), MIN(f.name) FROM film f, film_kind fk, film_company fc, company c \
         WHERE f.kind_id = fk.id AND fc.film_id = f.id AND fc.company_id = c.id AND fk.name = 'kind 5' \
         AND c.country = 'dk'",
    ),
    (
        "star of 6",
        "SELECT COUNT(*), MIN(f.name) FROM film f, film_kind k, film_company fc, company c, film_keyword fw, keyword w \
         WHERE f.kind_id = k.id AND fc.film_id = f.id AND fc.company_id = c.id AND fw.film_id = f.id \
         AND fw.keyword_id = w.id AND w.word = 'word 10' AND c.country = 'de' AND k.name = 'kind 0'",
    ),
    (
        "star of 8",
        "SELECT COUNT(*), MIN(p.name) FROM film f, film_company fc, company c, film_keyword fw, keyword w, \
         cast_info ci, person p, film_info fi WHERE fc.film_id = f.id AND fc.company_id = c.id AND fw.film_id = f.id \
         AND fw.keyword_id = w.id AND ci.film_id = f.id AND ci.person_id = p.id AND fi.film_id = f.id \
         AND fi.what = 3 AND w.word = 'word 55' AND c.country = 'us' AND ci.role_id = 2",
    ),
    (
        "clique of 3",
        "SELECT COUNT(*) FROM film_keyword a, film_company b, cast_info c \
         WHERE a.film_id = b.film_id AND b.film_id = c.film_id AND a.film_id = c.film_id \
         AND a.keyword_id = 30 AND c.role_id = 5",
    ),
    (
        "clique of 4",
        "SELECT COUNT(*) FROM film_keyword a, film_company b, cast_info c, film_info d \
         WHERE a.film_id = b.film_id AND a.film_id = c.film_id AND a.film_id = d.film_id AND b.film_id = c.film_id \
         AND b.film_id = d.film_id AND c.film_id = d.film_id AND b.company_id = 200 AND d.what = 1",
    ),
    (
        "people who met twice",
        "SELECT COUNT(*) FROM cast_info a1, cast_info a2, cast_info b1, cast_info b2 \
         WHERE a1.person_id = a2.person_id AND b1.person_id = b2.person_id AND a1.film_id = b1.film_id \
         AND a2.film_id = b2.film_id AND a1.film_id < a2.film_id AND a1.person_id < b1.person_id AND a1.person_id = 150",
    ),
    (
        "popular keyword, rare country",
        "SELECT f.year, COUNT(*) FROM film f, film_keyword fw, keyword w, film_company fc, company c \
         WHERE f.id = fw.film_id AND fw.keyword_id = w.id AND f.id = fc.film_id AND fc.company_id = c.id \
         AND w.word = 'word 0' AND c.country = 'is' GROUP BY f.year ORDER BY f.year",
    ),
    (
        "outer join kept",
        "SELECT COUNT(*), COUNT(fi.id) FROM film f JOIN film_company fc ON fc.film_id = f.id \
         JOIN company c ON c.id = fc.company_id AND c.country = 'fr' \
         LEFT JOIN film_info fi ON fi.film_id = f.id AND fi.what = 2 WHERE f.year BETWEEN 1980 AND 1985",
    ),
    (
        "none there",
        "SELECT COUNT(*) FROM film f, cast_info ci, film_keyword fw, keyword w, film_info fi \
         WHERE f.id = ci.film_id AND f.id = fw.film_id AND fw.keyword_id = w.id AND fi.film_id = f.id \
         AND w.word = 'no such word' AND ci.role_id < 4",
    ),
    (
        "not in any",
        "SELECT COUNT(*) FROM film f, film_company fc, company c WHERE f.id = fc.film_id AND fc.company_id = c.id \
         AND c.country = 'gb' AND NOT EXISTS (SELECT * FROM film_keyword fw WHERE fw.film_id = f.id)",
    ),
    (
        "by role",
        "SELECT r.name, COUNT(DISTINCT p.id) FROM role r, cast_info ci, person p, film f \
         WHERE r.id = ci.role_id AND ci.person_id = p.id AND ci.film_id = f.id AND f.year = 1999 AND p.sex = 'm' \
         GROUP BY r.name ORDER BY r.name",
    ),
];

const COUNTRIES: [&str; 8] = ["us", "gb", "fr", "de", "it", "jp", "dk", "is"];
const KINDS: u32 = 7;
const ROLES: u32 = 12;

fn films(setting: &Setting) -> u32 {
    setting.scale.least_or(200, setting.scale.pick(2_000, 20_000, 300_000))
}

/// How much more often small numbers are drawn: 1 is even. Films and people have little of it, since joins multiply it.
const FILMS: f64 = 1.3;
const PEOPLE: f64 = 1.5;
const THINGS: f64 = 3.0;

fn skewed(random: &mut Random, bound: u32, power: f64) -> u32 {
    (random.unit().powf(power) * f64::from(bound)) as u32
}

fn write(table: &str, films: u32, out: &mut dyn Write) -> io::Result<()> {
    let random = &mut Random(table.bytes().fold(3, |seed, byte| seed * 31 + u64::from(byte)));
    let (people, companies, words) = (films, films / 10 + 300, films / 20 + 200);
    let rows = match table {
        "film_kind" => KINDS,
        "role" => ROLES,
        "film" => films,
        "person" => people,
        "keyword" => words,
        "company" => companies,
        "cast_info" => films * 8,
        "film_keyword" | "film_info" => films * 4,
        "film_company" => films * 2,
        other => return Err(io::Error::other(format!("there is no table {other}"))),
    };
    for id in 0..rows {
        // Films that have much of one thing have much of the others.
        let film = films - 1 - skewed(random, films, FILMS);
        match table {
            "film_kind" => writeln!(out, "{id}\tkind {id}"),
            "role" => writeln!(out, "{id}\trole {id}"),
            "film" => {
                let year = 2025 - skewed(random, 120, THINGS);
                writeln!(out, "{id}\t{}\t{year}\tfilm {:x}", skewed(random, KINDS, THINGS), random.next())
            }
            "person" => {
                let sex = if random.id(3) == 1 { "f" } else { "m" };
                writeln!(out, "{id}\t{sex}\tperson {:x}", random.next())
            }
            "keyword" => writeln!(out, "{id}\tword {id}"),
            "company" => {
                let country = COUNTRIES[skewed(random, COUNTRIES.len() as u32, THINGS) as usize];
                writeln!(out, "{id}\t{country}\tcompany {:x}", random.next())
            }
            "cast_info" => {
                writeln!(
                    out,
                    "{id}\t{film}\t{}\t{}",
                    skewed(random, people, PEOPLE),
                    skewed(random, ROLES, THINGS)
                )
            }
            "film_keyword" => writeln!(out, "{id}\t{film}\t{}", skewed(random, words, THINGS)),
            "film_company" => writeln!(out, "{id}\t{film}\t{}", skewed(random, companies, THINGS)),
            _ => writeln!(out, "{id}\t{film}\t{}\ttold {}", skewed(random, 20, THINGS), random.id(100)),
        }?;
    }
    Ok(())
}

impl QuerySet for Joins {
    fn name(&self) -> &'static str {
        "join-order"
    }

    fn about(&self) -> String {
        "chains, stars and cliques of up to 8 tables on skewed films and people: 2,000 films tiny, 20,000 small, 300,000 full"
            .into()
    }

    fn count(&self) -> usize {
        QUERIES.len()
    }

    fn queries(&self, _: Kind, _: &Setting) -> Vec<Query> {
        QUERIES.iter().map(|(_, sql)| Query::new(*sql)).collect()
    }

    fn load(&self, side: &mut Side, setting: &Setting) -> Result<(), String> {
        load_tables(side, setting, "join-order", &TABLES, |table, out| write(table, films(setting), out))
    }

    fn disk_bytes(&self, setting: &Setting) -> u64 {
        u64::from(films(setting)) * 5_000
    }

    fn goals(&self) -> Vec<(Kind, Goal)> {
        vec![(Kind::Mysql, Goal::Ratio(5.0)), (Kind::Postgres, Goal::Ratio(5.0))]
    }

    fn label(&self, at: usize) -> String {
        QUERIES.get(at).map_or_else(|| at.to_string(), |(name, _)| (*name).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_the_tables_columns() {
        for table in &TABLES {
            let mut out = Vec::new();
            write(table.name, 50, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(
                text.lines().all(|line| line.split('\t').count() == table.columns.len()),
                "{}",
                table.name
            );
        }
    }
}
