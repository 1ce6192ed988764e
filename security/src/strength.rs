//! `validate_password`: which new passwords are good enough.

use aurora_types::error::ER_NOT_VALID_PASSWORD;
use aurora_types::{SqlError, SqlResult};

/// The variables `validate_password.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strength {
    pub length: usize,
    /// The rules below hold (MEDIUM); otherwise the length alone counts (LOW).
    pub medium: bool,
    pub mixed_case: usize,
    pub numbers: usize,
    pub special: usize,
    /// The password may not be the user's name, forwards or backwards.
    pub check_user_name: bool,
}

impl Default for Strength {
    fn default() -> Strength {
        Strength { length: 8, medium: true, mixed_case: 1, numbers: 1, special: 1, check_user_name: true }
    }
}

impl Strength {
    /// # Errors
    /// 1819.
    pub fn check(&self, user: &str, password: &[u8]) -> SqlResult<()> {
        let text = String::from_utf8_lossy(password);
        let count = |test: fn(&char) -> bool| text.chars().filter(test).count();
        let least =
            self.length.max(if self.medium { 2 * self.mixed_case + self.numbers + self.special } else { 0 });
        let classes = !self.medium
            || (count(|c| c.is_lowercase()) >= self.mixed_case
                && count(|c| c.is_uppercase()) >= self.mixed_case
                && count(|c| c.is_ascii_digit()) >= self.numbers
                && count(|c| !c.is_alphanumeric()) >= self.special);
        let is_name = self.check_user_name
            && !user.is_empty()
            && (password == user.as_bytes() || password.iter().rev().eq(user.as_bytes()));
        if text.chars().count() >= least && classes && !is_name {
            Ok(())
        } else {
            Err(SqlError::new(ER_NOT_VALID_PASSWORD, &[]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_mysqls_medium() {
        let rules = Strength::default();
        for (password, good) in [
            ("Abcdef1!", true),
            ("abcdef1!", false),
            ("Abc1!", false),
            ("Abcdefg1", false),
            ("Abcdefg!", false),
        ] {
            assert_eq!(rules.check("u", password.as_bytes()).is_ok(), good, "{password}");
        }
        assert_eq!(rules.check("!1fedcbA", b"Abcdef1!").unwrap_err().code, 1819);
    }
}
