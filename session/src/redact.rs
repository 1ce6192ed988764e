//! What the audit log says of a statement: its kind, and its text without passwords.

use aurora_audit::Class;
use aurora_parser::Statement;

/// Bytes of a statement that are recorded.
const RECORDED_BYTES: usize = 8192;

/// The text with every string behind `BY`, `AS`, `PASSWORD`, `=` of account statements replaced, and cut to a bounded
/// length. Statements that name no password keep theirs.
pub fn redact(sql: &[u8]) -> String {
    let text = String::from_utf8_lossy(&sql[..sql.len().min(RECORDED_BYTES)]);
    let upper = text.to_ascii_uppercase();
    let concerns = ["IDENTIFIED", "PASSWORD"];
    if !concerns.iter().any(|word| upper.contains(word)) {
        return text.trim().to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\'' && c != '"' {
            out.push(c);
            continue;
        }
        // Any string of such a statement might be the password.
        let is_name = out.trim_end().ends_with('@');
        let mut body = String::new();
        let mut ended = false;
        while let Some(inner) = chars.next() {
            if inner == '\\' {
                body.push(inner);
                if let Some(escaped) = chars.next() {
                    body.push(escaped);
                }
            } else if inner == c {
                if chars.peek() == Some(&c) {
                    body.push(c);
                    chars.next();
                } else {
                    ended = true;
                    break;
                }
            } else {
                body.push(inner);
            }
        }
        let followed_by_host = chars.peek() == Some(&'@');
        out.push(c);
        if is_name || followed_by_host {
            out.push_str(&body);
        } else {
            out.push_str("***");
        }
        if ended {
            out.push(c);
        }
    }
    out.trim().to_owned()
}

/// Class and name of a definition's or account's event.
pub fn event_of(statement: &Statement) -> (Class, &'static str) {
    match statement {
        Statement::CreateTable(_) => (Class::Ddl, "create_table"),
        Statement::AlterTable(_) => (Class::Ddl, "alter_table"),
        Statement::DropTable(_) => (Class::Ddl, "drop_table"),
        Statement::TruncateTable(_) => (Class::Ddl, "truncate"),
        Statement::RenameTable(_) => (Class::Ddl, "rename_table"),
        Statement::CreateIndex(_) => (Class::Ddl, "create_index"),
        Statement::DropIndex(_) => (Class::Ddl, "drop_index"),
        Statement::CreateDatabase(_) => (Class::Ddl, "create_db"),
        Statement::AlterDatabase(_) => (Class::Ddl, "alter_db"),
        Statement::DropDatabase { .. } => (Class::Ddl, "drop_db"),
        Statement::CreateView(_) => (Class::Ddl, "create_view"),
        Statement::DropView(_) => (Class::Ddl, "drop_view"),
        Statement::CreateUser(create) if create.alter => (Class::Account, "alter_user"),
        Statement::CreateUser(_) => (Class::Account, "create_user"),
        Statement::DropUser { .. } => (Class::Account, "drop_user"),
        Statement::RenameUser(_) => (Class::Account, "rename_user"),
        Statement::CreateRole { .. } => (Class::Account, "create_role"),
        Statement::DropRole { .. } => (Class::Account, "drop_role"),
        Statement::Grant(_) => (Class::Account, "grant"),
        Statement::Revoke(_) => (Class::Account, "revoke"),
        Statement::SetPassword(_) => (Class::Account, "set_password"),
        Statement::SetDefaultRole(_) => (Class::Account, "set_default_role"),
        _ => (Class::Ddl, "other"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_do_not_reach_the_log() {
        let shown = redact(b"CREATE USER 'a'@'%' IDENTIFIED BY 'secret'");
        assert_eq!(shown, "CREATE USER 'a'@'%' IDENTIFIED BY '***'");
        assert_eq!(
            redact(b"SET PASSWORD FOR 'a'@'h' = \"it''s\\\"x\""),
            "SET PASSWORD FOR 'a'@'h' = \"***\""
        );
        assert!(!redact(b"ALTER USER root IDENTIFIED BY 'a''b").contains("a''b"));
    }

    #[test]
    fn other_statements_keep_their_text() {
        assert_eq!(redact(b" DROP TABLE `t` "), "DROP TABLE `t`");
    }
}
