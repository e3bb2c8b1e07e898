//! # Verbose error
//!
//! Error answers that show stack traces, statements of a database or paths of the server.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use exchange::body::Body;
use exchange::phase::Phase;
use exchange::rule::{Family, RuleCard, RuleId, Severity};
use exchange::signal::{Detail, Location, Signal};

use crate::detector::Detector;
use crate::view::View;

/// PAL-CONF-001.
#[derive(Debug)]
pub struct VerboseError;

/// What is known of the rule.
pub static CARD: RuleCard = RuleCard {
    id: RuleId::new(Family::Conf, 1),
    name: "verbose-error",
    title: "Error answers show the server's insides",
    severity: Severity::Low,
    owasp: "API8:2023",
    cwe: &[209],
    page: include_str!("../../tests/detectors/verbose_error.md"),
};

/// Bytes of an error that are searched: traces show themselves at once.
const SEARCHED_BYTES_MAX: usize = 64 << 10;

/// What traces and database errors contain and prose does not, with whose they are.
const MARKS: &[(&str, &str)] = &[
    ("Traceback (most recent call last)", "python"),
    ("\n  File \"", "python"),
    ("\\n  File \\\"", "python"),
    ("\tat java.", "java"),
    ("\tat org.springframework.", "java"),
    ("\\tat java.", "java"),
    ("\\tat org.springframework.", "java"),
    ("Exception in thread \"", "java"),
    ("java.lang.", "java"),
    ("javax.servlet.", "java"),
    ("org.hibernate.", "java"),
    ("   at System.", "dotnet"),
    ("System.NullReferenceException", "dotnet"),
    ("System.Data.SqlClient.", "dotnet"),
    ("Microsoft.AspNetCore.", "dotnet"),
    ("at Object.<anonymous> (", "node"),
    ("at process.processTicksAndRejections", "node"),
    ("(node:internal/", "node"),
    ("/node_modules/", "node"),
    ("goroutine 1 [running]", "go"),
    ("runtime/debug.Stack", "go"),
    ("panic: runtime error:", "go"),
    ("thread 'main' panicked at", "rust"),
    ("<b>Fatal error</b>:", "php"),
    ("Stack trace:\n#0 ", "php"),
    ("Stack trace:\\n#0 ", "php"),
    ("PDOException", "php"),
    ("ActionController::", "ruby"),
    ("ActiveRecord::", "ruby"),
    ("/gems/", "ruby"),
    (".java:", "java"),
    (".kt:", "java"),
    (".cs:line ", "dotnet"),
    (".php on line ", "php"),
    (".py\", line ", "python"),
    (".py\\\", line ", "python"),
    ("You have an error in your SQL syntax", "mysql"),
    ("MySqlException", "mysql"),
    ("com.mysql.jdbc", "mysql"),
    ("PSQLException", "postgresql"),
    ("psycopg2.errors", "postgresql"),
    ("pg_query():", "postgresql"),
    ("ORA-00933", "oracle"),
    ("ORA-01756", "oracle"),
    ("Unclosed quotation mark after the character string", "mssql"),
    ("ODBC SQL Server Driver", "mssql"),
    ("SQLite3::SQLException", "sqlite"),
    ("sqlite3.OperationalError", "sqlite"),
    ("SQLSTATE[", "sql"),
    ("MongoServerError", "mongodb"),
    ("MongoError:", "mongodb"),
];

static SEARCH: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(MARKS.iter().map(|(mark, _)| mark)).ok());

impl Detector for VerboseError {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn phases(&self) -> &'static [Phase] {
        &[Phase::ResponseBody]
    }

    fn examine(&self, phase: Phase, view: &View<'_>, signals: &mut Vec<Signal>) {
        if view.status < 400 {
            return;
        }
        let (Body::Whole(text) | Body::Partial(text)) = view.body else { return };
        let text = &text[..text.len().min(SEARCHED_BYTES_MAX)];
        let Some(hit) = SEARCH.as_ref().and_then(|search| search.find(text)) else { return };
        let whose = MARKS.get(hit.pattern().as_usize()).map_or("", |(_, whose)| whose);
        signals.push(Signal {
            rule: CARD.id,
            phase,
            location: Location::body(""),
            detail: Detail::Word(whose.into()),
            severity: CARD.severity,
            confidence: 0.95,
        });
    }
}
