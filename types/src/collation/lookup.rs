//! From names and ids to collations, MariaDB's names included.

use super::table::COLLATIONS;
use super::{CollationId, CollationInfo};

const MAX_ID: usize = 400;
const NO_ROW: u16 = u16::MAX;

static ROW_BY_ID: [u16; MAX_ID] = {
    let mut rows = [NO_ROW; MAX_ID];
    let mut at = 0;
    while at < COLLATIONS.len() {
        rows[COLLATIONS[at].id.0 as usize] = at as u16;
        at += 1;
    }
    rows
};

/// All collations by id.
pub fn all() -> &'static [CollationInfo] {
    &COLLATIONS
}

pub(super) fn info(id: CollationId) -> &'static CollationInfo {
    let row = ROW_BY_ID.get(usize::from(id.0)).copied().unwrap_or(NO_ROW);
    match COLLATIONS.get(usize::from(row)) {
        Some(info) => info,
        None => &COLLATIONS[ROW_BY_ID[CollationId::BINARY.0 as usize] as usize],
    }
}

/// The collation of a name in any letter case. `utf8_…` means `utf8mb3_…`; MariaDB's `uca1400` and `nopad` names
/// lead to the nearest collation here, so that its dumps load.
pub fn lookup(name: &str) -> Option<CollationId> {
    let name = name.to_ascii_lowercase();
    exact(&name)
        .or_else(|| name.strip_prefix("utf8_").and_then(|rest| exact(&format!("utf8mb3_{rest}"))))
        .or_else(|| {
            if let Some((charset, rest)) = name.split_once("uca1400_") {
                return uca1400(charset, rest);
            }
            let plain = name.replace("_nopad_", "_");
            (plain != name).then(|| lookup(&plain)).flatten()
        })
}

fn exact(name: &str) -> Option<CollationId> {
    COLLATIONS.iter().find(|info| info.name == name).map(|info| info.id)
}

/// `charset` is `utf8mb4_` or empty, or an older set; `rest` is `[language_][nopad_]{ai,as}_{ci,cs}`.
fn uca1400(charset: &str, rest: &str) -> Option<CollationId> {
    let rest = rest.strip_prefix("nopad_").unwrap_or(rest).replace("_nopad_", "_");
    let (language, sensitivity) = match rest.len().checked_sub(5).map(|at| rest.split_at_checked(at)) {
        Some(Some((language, sensitivity))) => (language.trim_end_matches('_'), sensitivity),
        _ => return None,
    };
    let sensitivity = match sensitivity {
        "ai_ci" => "ai_ci",
        "as_ci" => "as_ci",
        "ai_cs" | "as_cs" => "as_cs",
        _ => return None,
    };
    if !charset.is_empty() && charset != "utf8mb4_" {
        let charset = if charset == "utf8_" { "utf8mb3_" } else { charset };
        return exact(&format!("{charset}unicode_520_ci"));
    }
    let code = match language {
        "german2" => "de_pb_",
        "icelandic" => "is_",
        "latvian" => "lv_",
        "romanian" => "ro_",
        "slovenian" => "sl_",
        "polish" => "pl_",
        "estonian" => "et_",
        "spanish" => "es_",
        "spanish2" => "es_trad_",
        "swedish" => "sv_",
        "turkish" => "tr_",
        "czech" => "cs_",
        "danish" => "da_",
        "lithuanian" => "lt_",
        "slovak" => "sk_",
        "roman" => "la_",
        "esperanto" => "eo_",
        "hungarian" => "hu_",
        "croatian" => "hr_",
        "vietnamese" => "vi_",
        _ => "",
    };
    exact(&format!("utf8mb4_{code}0900_{sensitivity}"))
        .or_else(|| exact(&format!("utf8mb4_0900_{sensitivity}")))
}
