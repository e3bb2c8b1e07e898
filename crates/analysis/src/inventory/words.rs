//! What the words of paths tell by themselves: names that APIs reserve, plurals, and the name of
//! a parameter that follows a word.

/// Words that stand beside ids under a collection and mean something of their own, as found in
/// public API descriptions; sorted.
const RESERVED: &[&str] = &[
    "about",
    "access",
    "account",
    "actions",
    "activate",
    "active",
    "admin",
    "all",
    "api",
    "archive",
    "assign",
    "attachments",
    "auth",
    "authorize",
    "autocomplete",
    "batch",
    "bulk",
    "callback",
    "cancel",
    "capabilities",
    "check",
    "clear",
    "clone",
    "close",
    "comments",
    "complete",
    "config",
    "configuration",
    "confirm",
    "copy",
    "count",
    "create",
    "current",
    "default",
    "delete",
    "disable",
    "docs",
    "download",
    "edit",
    "enable",
    "events",
    "exists",
    "export",
    "favorites",
    "features",
    "feed",
    "filter",
    "find",
    "graphql",
    "health",
    "healthz",
    "history",
    "import",
    "info",
    "invite",
    "items",
    "latest",
    "list",
    "livez",
    "login",
    "logout",
    "logs",
    "lookup",
    "me",
    "members",
    "merge",
    "messages",
    "meta",
    "metadata",
    "metrics",
    "move",
    "my",
    "new",
    "next",
    "notifications",
    "oauth",
    "openapi",
    "options",
    "permissions",
    "ping",
    "preview",
    "previous",
    "profile",
    "public",
    "publish",
    "query",
    "random",
    "readyz",
    "recent",
    "refresh",
    "register",
    "reindex",
    "reject",
    "remove",
    "rename",
    "reorder",
    "report",
    "reports",
    "reset",
    "rest",
    "restart",
    "restore",
    "resume",
    "revoke",
    "roles",
    "rpc",
    "run",
    "save",
    "schema",
    "search",
    "self",
    "send",
    "settings",
    "setup",
    "share",
    "signin",
    "signup",
    "start",
    "state",
    "statistics",
    "stats",
    "status",
    "stop",
    "subscribe",
    "suggest",
    "suggestions",
    "summary",
    "sync",
    "tags",
    "test",
    "token",
    "top",
    "trash",
    "trending",
    "unsubscribe",
    "update",
    "upload",
    "user",
    "users",
    "validate",
    "verify",
    "version",
    "versions",
    "webhooks",
    "whoami",
];

/// True for words that stay literal whatever the traffic looks like.
pub(crate) fn is_reserved(word: &str) -> bool {
    RESERVED.binary_search_by(|known| (**known).cmp(word)).is_ok() || is_version(word)
}

/// `v1`, `v2.1`, `v1beta2`: a version of the API.
pub(crate) fn is_version(word: &str) -> bool {
    let mut rest = word.bytes();
    let begins = matches!(rest.next(), Some(b'v' | b'V'));
    let digit = rest.next().is_some_and(|byte| byte.is_ascii_digit());
    begins
        && digit
        && word.len() <= 8
        && rest.all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
}

/// True for what is most likely an English plural.
pub(crate) fn is_plural(word: &str) -> bool {
    word.len() > 3
        && word.ends_with('s')
        && !word.ends_with("ss")
        && !word.ends_with("us")
        && !word.ends_with("is")
}

/// The singular of an English plural: `categories` gives `category`.
pub(crate) fn singular(word: &str) -> String {
    let cut = |suffix: &str, by: &str| word.strip_suffix(suffix).map(|stem| format!("{stem}{by}"));
    if !is_plural(word) {
        return word.to_owned();
    }
    cut("ies", "y")
        .filter(|_| word.len() > 4)
        .or_else(|| cut("sses", "ss"))
        .or_else(|| cut("xes", "x"))
        .or_else(|| cut("ches", "ch"))
        .or_else(|| cut("shes", "sh"))
        .or_else(|| cut("s", ""))
        .unwrap_or_default()
}

/// The name of the parameter that follows `previous`: `orders` gives `orderId`, `user-groups`
/// gives `userGroupId`. After no word, or a version, it is `id`.
pub(crate) fn parameter_name(previous: Option<&str>) -> String {
    let Some(previous) = previous.filter(|word| !is_version(word) && *word != "api") else {
        return "id".to_owned();
    };
    let mut name = String::with_capacity(previous.len() + 2);
    let single = singular(previous);
    let parts = single.split(|letter: char| !letter.is_ascii_alphanumeric());
    for part in parts.filter(|part| !part.is_empty()) {
        let mut letters = part.chars();
        let first = letters.next().map(|letter| {
            if name.is_empty() { letter.to_ascii_lowercase() } else { letter.to_ascii_uppercase() }
        });
        name.extend(first);
        name.push_str(letters.as_str());
    }
    if name.is_empty() || name.starts_with(|letter: char| letter.is_ascii_digit()) {
        return "id".to_owned();
    }
    name + "Id"
}

/// Words of endpoints that give out credentials: there, a secret in the answer is what was asked
/// for, and a caller without a credential is as it should be.
const ISSUING: &[&str] = &[
    "auth",
    "authenticate",
    "authorize",
    "callback",
    "forgot",
    "login",
    "logout",
    "mfa",
    "oauth",
    "oauth2",
    "otp",
    "password",
    "recover",
    "refresh",
    "register",
    "reset",
    "session",
    "sessions",
    "signin",
    "signup",
    "sign-in",
    "sign-up",
    "sso",
    "token",
    "tokens",
    "verify",
];

/// True for words of endpoints that give out credentials.
pub(crate) fn issues_credentials(word: &str) -> bool {
    ISSUING.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserved_words_are_sorted_for_the_search() {
        let mut sorted = RESERVED.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted, RESERVED);
    }

    #[test]
    fn parameters_are_named_after_what_they_follow() {
        let table = [
            (Some("orders"), "orderId"),
            (Some("categories"), "categoryId"),
            (Some("boxes"), "boxId"),
            (Some("status"), "statusId"),
            (Some("user-groups"), "userGroupId"),
            (Some("addresses"), "addressId"),
            (Some("v1"), "id"),
            (Some("2024"), "id"),
            (None, "id"),
        ];
        for (previous, expected) in table {
            assert_eq!(parameter_name(previous), expected, "{previous:?}");
        }
        assert_eq!(table.len(), 9);
    }
}
