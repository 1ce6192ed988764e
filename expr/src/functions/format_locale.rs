//! How locales write numbers: the marks of FORMAT(x, digits, locale).

/// Marks of a locale. `group` is empty where thousands are not kept apart.
#[derive(Clone, Copy)]
pub(super) struct Style {
    point: &'static str,
    group: &'static str,
    /// Sizes of groups from the right: the last one repeats.
    sizes: &'static [usize],
}

pub(super) const ENGLISH: Style = Style { point: ".", group: ",", sizes: &[3] };

const fn style_of(point: &'static str, group: &'static str) -> Style {
    Style { point, group, sizes: if group.is_empty() { &[] } else { &[3] } }
}

const DOTS: Style = style_of(",", ".");
const SPACES: Style = style_of(",", " ");
const BULGARIAN: Style = style_of(",", "\u{a0}");
const NO_GROUPS: Style = style_of(",", "");
const POINT_ONLY: Style = style_of(".", "");
const INDIAN: Style = Style { point: ".", group: ",", sizes: &[3, 2] };
const QUOTES: Style = style_of(",", "'");
const SWISS: Style = style_of(".", "'");

/// Locales by how they write numbers.
const LOCALES: &[(&Style, &str)] = &[
    (
        &ENGLISH,
        "en_US en_GB en_AU en_CA en_NZ en_PH en_ZA en_ZW ja_JP ko_KR zh_CN zh_HK zh_SG zh_TW he_IL th_TH ms_MY \
         ar_AE ar_BH ar_EG ar_IQ ar_JO ar_KW ar_LB ar_LY ar_OM ar_QA ar_SD ar_SY ar_YE ar_DZ ar_MA ar_TN ar_IN \
         es_US es_MX es_GT es_HN es_NI es_PA es_PE es_PR es_SV es_DO gu_IN ur_PK hi_IN",
    ),
    (&INDIAN, "en_IN ta_IN te_IN"),
    (
        &DOTS,
        "mn_MN de_DE de_BE de_LU da_DK es_AR es_CL es_CO es_EC es_PY es_UY es_VE es_ES es_BO fo_FO id_ID is_IS \
         no_NO nb_NO ro_RO sq_AL tr_TR vi_VN lt_LT uk_UA ru_UA be_BY hu_HU",
    ),
    (&SPACES, "cs_CZ et_EE fi_FI lv_LV mk_MK sk_SK sv_SE sv_FI ru_RU es_CR"),
    (&BULGARIAN, "bg_BG"),
    (
        &NO_GROUPS,
        "nl_NL nl_BE fr_FR fr_BE fr_CA fr_LU fr_CH ca_ES eu_ES gl_ES it_IT pl_PL pt_PT pt_BR hr_HR sl_SI de_AT \
         el_GR",
    ),
    (&QUOTES, "rm_CH it_CH"),
    (&SWISS, "de_CH"),
    (&POINT_ONLY, "sr_RS ar_SA"),
];

/// The style of a locale's name, in any letter case.
pub(super) fn style(locale: &[u8]) -> Option<Style> {
    let name = std::str::from_utf8(locale).ok()?;
    LOCALES
        .iter()
        .find(|(_, names)| names.split_ascii_whitespace().any(|n| n.eq_ignore_ascii_case(name)))
        .map(|(style, _)| **style)
}

impl Style {
    /// `plain` is a number as `-1234.50`.
    pub(super) fn apply(self, plain: &[u8]) -> Vec<u8> {
        let (sign, number) = match plain {
            [b'-', rest @ ..] => (b"-".as_slice(), rest),
            _ => (b"".as_slice(), plain),
        };
        let point = number.iter().position(|b| *b == b'.').unwrap_or(number.len());
        let (whole, fraction) = number.split_at(point);
        let mut reversed = Vec::with_capacity(whole.len() * 2);
        let mut sizes =
            self.sizes.iter().chain(std::iter::repeat_n(self.sizes.last().unwrap_or(&0), usize::MAX));
        let mut left = sizes.next().copied().unwrap_or(0);
        for digit in whole.iter().rev() {
            if left == 0 && !self.group.is_empty() {
                reversed.extend(self.group.bytes().rev());
                left = sizes.next().copied().unwrap_or(0);
            }
            left = left.wrapping_sub(1);
            reversed.push(*digit);
        }
        let mut out = Vec::with_capacity(reversed.len() + fraction.len() + 1);
        out.extend_from_slice(sign);
        out.extend(reversed.iter().rev());
        if let [_, digits @ ..] = fraction {
            out.extend_from_slice(self.point.as_bytes());
            out.extend_from_slice(digits);
        }
        out
    }
}
