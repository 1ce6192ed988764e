//! Errors of resolution: `errors.tsv` has statements with MySQL's answer.

mod common;

use common::plan_of;

#[test]
fn errors_are_mysqls() {
    let mut wrong = Vec::new();
    for line in include_str!("errors.tsv").lines() {
        let Some((sql, expected)) = line.split_once('\t') else { continue };
        let got = match plan_of(sql) {
            Ok(_) => "OK".to_owned(),
            Err(error) => error.to_string(),
        };
        if got != expected {
            wrong.push(format!("{sql}\n  mysql: {expected}\n  here:  {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
}
