//! Queries, statements on rows and expressions: what MySQL 9.7 takes, where it finds the error, how operators
//! bind, what columns are called. The lists beside this file hold what MySQL answered.

use aurora_parser::*;

#[test]
fn accepted_statements() {
    for sql in include_str!("queries/accept.txt").lines() {
        // Other errors come from what MySQL resolves later, or from what is known and not built.
        match parse(sql.as_bytes(), &ParseContext::default()) {
            Ok(parsed) => assert_eq!(parsed.next, sql.len(), "{sql}"),
            Err(error) => assert!(!matches!(error.code, 1064 | 1149), "{sql}\n{}", error.message),
        }
    }
}

#[test]
fn rejected_statements() {
    for line in include_str!("queries/reject.txt").lines() {
        let Some((near, sql)) = line.split_once('\t') else { panic!("{line}") };
        match parse(sql.as_bytes(), &ParseContext::default()) {
            Ok(parsed) => panic!("{sql}\n{:?}", parsed.statement),
            Err(error) => {
                assert_eq!(error.code, 1064, "{sql}\n{}", error.message);
                let wanted = format!("near '{near}' at line 1");
                assert!(error.message.ends_with(&wanted), "{sql}\n{}\nwanted {wanted}", error.message);
            }
        }
    }
}
