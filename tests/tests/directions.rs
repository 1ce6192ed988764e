//! Which crate may use which: dependencies point one way, from the server down to the environment.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// Every crate of the workspace with those that it may use, lowest first: each names only crates above its own line.
const MAY_USE: &[(&str, &[&str])] = &[
    ("env", &[]),
    ("types", &["env"]),
    ("lsm", &["env"]),
    ("encryption", &["env"]),
    ("txn", &["env", "types", "lsm"]),
    ("catalog", &["env", "types", "txn"]),
    ("parser", &["types"]),
    ("expr", &["types"]),
    ("planner", &["types", "catalog", "parser", "expr"]),
    ("executor", &["env", "types", "txn", "catalog", "expr", "planner"]),
    ("security", &["env", "types", "txn", "catalog"]),
    ("audit", &["env", "types"]),
    (
        "session",
        &["env", "types", "txn", "catalog", "parser", "expr", "planner", "executor", "security", "audit"],
    ),
    ("wire", &["types"]),
    ("frontend", &["env", "types", "session", "wire"]),
    (
        "server",
        &[
            "env",
            "types",
            "lsm",
            "encryption",
            "txn",
            "catalog",
            "parser",
            "expr",
            "planner",
            "executor",
            "security",
            "audit",
            "session",
            "wire",
            "frontend",
        ],
    ),
    ("tools", &["env", "types", "lsm", "encryption", "txn", "catalog", "audit", "wire"]),
    ("tests", &[]),
];

/// Packages that stay behind one door: no other crate may link them into the product.
const ONLY_IN: &[(&str, &[&str])] =
    &[("rustls", &["frontend", "server", "tools"]), ("argon2", &["security"]), ("lz4_flex", &["lsm"])];

/// Dependencies that end up in the built product, by crate (tests' own are free).
fn product_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--locked"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .output()
        .expect("cargo metadata");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("its JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
            let product = dependencies.filter(|dependency| dependency["kind"] != "dev");
            let names = product.map(|dependency| dependency["name"].as_str().expect("a name").to_string());
            (crate_name(package["name"].as_str().expect("a name")), names.collect())
        })
        .collect()
}

fn crate_name(package: &str) -> String {
    package.strip_prefix("aurora-").unwrap_or(package).to_string()
}

#[test]
fn crates_depend_downwards_only() {
    let dependencies = product_dependencies();
    let listed: BTreeSet<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    let mut wrong = Vec::new();
    for (name, used) in &dependencies {
        let Some((_, allowed)) = MAY_USE.iter().find(|(listed, _)| listed == name) else {
            wrong.push(format!("{name} is not in the table"));
            continue;
        };
        for package in used.iter().filter(|package| package.starts_with("aurora-")) {
            let target = crate_name(package);
            if !allowed.contains(&target.as_str()) {
                wrong.push(format!("{name} must not use {target}"));
            }
        }
    }
    for name in listed.iter().filter(|name| !dependencies.contains_key(**name)) {
        wrong.push(format!("{name} is in the table, but no crate has that name"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_itself_has_no_way_up() {
    let mut below: BTreeSet<&str> = BTreeSet::new();
    for (name, allowed) in MAY_USE {
        for target in *allowed {
            assert!(below.contains(target), "{name} uses {target}, which stands below it in the table");
        }
        below.insert(name);
    }
}

#[test]
fn packages_stay_behind_their_door() {
    let dependencies = product_dependencies();
    let mut wrong = Vec::new();
    for (package, crates) in ONLY_IN {
        for (name, used) in &dependencies {
            if used.contains(*package) && !crates.contains(&name.as_str()) {
                wrong.push(format!("{name} must not use {package}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
