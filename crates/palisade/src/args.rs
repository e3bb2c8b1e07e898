//! What was typed on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use exchange::rule::Severity;

/// Find, check and protect APIs. Nothing is ever sent anywhere but where you say.
#[derive(Debug, Parser)]
#[command(name = "palisade", version, about, propagate_version = true)]
#[command(after_help = "Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 could not do \
                        the job.\nThere is no telemetry and no update check.")]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// What holds for every command.
    #[command(flatten)]
    pub(crate) global: Global,
}

/// What holds for every command.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// The settings file; default: palisade.toml here or above, then /etc/palisade
    #[arg(short, long, global = true, value_name = "FILE", env = "PALISADE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    /// No progress, no notes; results and errors only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// More notes; twice for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Color {
    /// Where the output is a terminal and NO_COLOR is not set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Gateway, analyser and console, from palisade.toml
    #[command(alias = "serve")]
    Run(Run),
    /// The same with a fake shop, realistic traffic and planted attacks; needs nothing
    Demo(Demo),
    /// Read recordings (HAR, access logs, ndjson): inventory, findings, contract
    Analyze(Analyze),
    /// What a rule means, how to fix what it found, how it decides
    Explain {
        /// The rule, as in PAL-AUTH-001; without it, all rules are listed
        rule: Option<String>,
    },
    /// Is this configuration sound?
    Check {
        /// Also print the settings in force, with their origin
        #[arg(long, value_name = "WHAT")]
        print: Option<Print>,
    },
    /// Have the running process read its settings again
    Reload {
        /// Which process
        #[command(flatten)]
        target: Target,
    },
    /// How is the running process doing?
    Status {
        /// Which process
        #[command(flatten)]
        target: Target,
        /// text or json
        #[arg(short, long, value_name = "FORMAT", default_value = "text")]
        format: StatusFormat,
    },
    /// End the running process, and wait until it has ended
    Stop {
        /// Which process
        #[command(flatten)]
        target: Target,
        /// How long exchanges in flight may take, as in 30s
        #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
        timeout: Duration,
    },
    /// Put the installed program in the place of the running one; no connection is refused
    Upgrade {
        /// Which process
        #[command(flatten)]
        target: Target,
    },
    /// What is wrong here? Looks at settings, files, ports, limits, disk, upstreams, the process
    Doctor {
        /// Which process
        #[command(flatten)]
        target: Target,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages
    Man {
        /// The directory they go to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Print the JSON Schema of an output
    Schema {
        /// Which output
        #[arg(value_enum, default_value = "analysis")]
        of: Schema,
    },
    /// Print the version
    Version,
}

/// Arguments of `run`.
#[derive(Args, Debug)]
pub(crate) struct Run {
    /// Take the place of the process that runs with these settings; no connection is refused
    #[arg(long)]
    pub(crate) upgrade: bool,
}

/// Which running process is meant.
#[derive(Args, Debug)]
pub(crate) struct Target {
    /// Its control socket; default: the one of the settings file
    #[arg(long, value_name = "PATH")]
    pub(crate) control: Option<PathBuf>,
}

/// The form of a status.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum StatusFormat {
    /// For terminals.
    Text,
    /// One JSON object.
    Json,
}

/// A time with its unit.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or_default();
    let number: u64 = number.parse().map_err(|_| "expected a time as in 30s".to_owned())?;
    let seconds = |factor: u64| Ok(Duration::from_secs(number.saturating_mul(factor)));
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => seconds(1),
        "m" | "min" => seconds(60),
        "h" => seconds(3_600),
        _ => Err("expected ms, s, min or h after the number".to_owned()),
    }
}

/// What `check --print` prints.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Print {
    /// Every value in force, and where it comes from.
    Effective,
}

/// What `schema` prints.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Schema {
    /// What `analyze --format json` prints.
    Analysis,
}

/// Arguments of `demo`.
#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// Stop after the traffic; exit 1 if a planted attack was missed or an oddity alarmed
    #[arg(long)]
    pub(crate) check: bool,
    /// The same seed gives the same shop, users and attacks
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Write the whole story as one HTML file
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

/// Arguments of `analyze`.
#[derive(Args, Debug)]
pub(crate) struct Analyze {
    /// Files and directories; `-` is standard input; .gz is undone
    #[arg(required = true, value_name = "RECORDING")]
    pub(crate) recordings: Vec<PathBuf>,
    /// An OpenAPI file that says what is declared; repeatable
    #[arg(long, value_name = "SPEC")]
    pub(crate) contract: Vec<PathBuf>,
    /// text, json, html or openapi; as FORMAT=FILE into a file; repeatable
    #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "text")]
    pub(crate) format: Vec<Output>,
    /// The mildest finding that makes the exit code 1
    #[arg(long, value_name = "LEVEL", default_value = "high")]
    pub(crate) fail_on: FailOn,
    /// Findings do not make the exit code 1
    #[arg(long)]
    pub(crate) exit_zero: bool,
    /// 32 hexadecimal digits under which principals are named, so that two runs name them alike
    #[arg(long, value_name = "KEY", env = "PALISADE_PSEUDONYM_KEY", hide_env_values = true)]
    pub(crate) pseudonym_key: Option<String>,
}

/// Where a report goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Output {
    /// Its form.
    pub(crate) format: Format,
    /// The file; standard output without one.
    pub(crate) file: Option<PathBuf>,
}

/// The form of a report.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// For terminals.
    Text,
    /// One JSON object.
    Json,
    /// One self-contained page.
    Html,
    /// The learned contract, OpenAPI 3.1 in YAML.
    Openapi,
}

impl std::str::FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file) = match text.split_once('=') {
            Some((format, file)) if !file.is_empty() => (format, Some(PathBuf::from(file))),
            Some(_) => return Err("expected a file after `=`".to_owned()),
            None => (text, None),
        };
        let format = Format::from_str(format, true)
            .map_err(|_| "expected text, json, html or openapi".to_owned())?;
        Ok(Self { format, file })
    }
}

/// The mildest finding that makes the exit code 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum FailOn {
    /// Only critical ones.
    Critical,
    /// High and worse.
    High,
    /// Medium and worse.
    Medium,
    /// Low and worse.
    Low,
    /// Any.
    Info,
    /// None.
    Never,
}

impl FailOn {
    /// The severity from which on a run fails.
    pub(crate) fn severity(self) -> Option<Severity> {
        match self {
            Self::Critical => Some(Severity::Critical),
            Self::High => Some(Severity::High),
            Self::Medium => Some(Severity::Medium),
            Self::Low => Some(Severity::Low),
            Self::Info => Some(Severity::Info),
            Self::Never => None,
        }
    }
}
