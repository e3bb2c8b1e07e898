//! What remains of an exchange: no body, no credential, no value that is not redacted.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::body::Why;
use crate::data_class::DataClasses;
use crate::decision::Disposition;
use crate::endpoint::{Method, SeenPath};
use crate::kind::ValueKind;
use crate::moment::Moment;
use crate::principal::Principal;
use crate::redact::Pseudonym;
use crate::shape::Shape;
use crate::signal::Signal;

/// Where a parameter was.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterPlace {
    /// In a form-encoded body.
    Form,
    /// In the query.
    Query,
}

/// A parameter that was sent: its name and what its value looked like.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ParameterSeen {
    /// Where.
    pub place: ParameterPlace,
    /// Its name.
    pub name: Box<str>,
    /// What its value looked like.
    pub kind: ValueKind,
    /// Sensitive data recognised in it.
    #[serde(default, skip_serializing_if = "DataClasses::is_none")]
    pub data: DataClasses,
}

/// What was seen of one message's body.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct BodySeen {
    /// Bytes that were handed in; a body that nobody wants is not.
    pub bytes: u64,
    /// The media type without parameters, in lower case; empty when none was named.
    pub media: Arc<str>,
    /// What JSON bodies are made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// Why the body was not looked at, or not to its end. `None`: it was.
    pub missing: Option<Why>,
    /// Sensitive data recognised anywhere in the body.
    #[serde(skip_serializing_if = "DataClasses::is_none")]
    pub data: DataClasses,
}

impl BodySeen {
    /// True for a message without a body, which the journal need not tell at length.
    fn is_default(&self) -> bool {
        let Self { bytes, media, shape, missing, data } = self;
        let nothing = *bytes == 0 && media.is_empty() && shape.is_none();
        nothing && *missing == Some(Why::Empty) && data.is_empty()
    }
}

impl Default for BodySeen {
    fn default() -> Self {
        Self {
            bytes: 0,
            media: Arc::from(""),
            shape: None,
            missing: Some(Why::Empty),
            data: DataClasses::NONE,
        }
    }
}

/// The operation of the contract that the request matched.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct OperationIndex(pub u32);

/// What remains of one exchange.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Observation {
    /// When the request's head was complete.
    pub at: Moment,
    /// From the request's head to the end of the response, in microseconds.
    pub duration_us: u64,
    /// The service of the settings, or `default` for recordings without one.
    pub service: Arc<str>,
    /// The host that was asked for, in lower case, without port.
    pub host: Arc<str>,
    /// The method.
    pub method: Method,
    /// The path without its values.
    pub path: SeenPath,
    /// Index of the matched operation in the service's contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationIndex>,
    /// On whose behalf.
    pub principal: Principal,
    /// Stands for the client's address.
    pub client: Option<Pseudonym>,
    /// Parameters of query and form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<ParameterSeen>,
    /// The response's status; `None` when there was no response.
    pub status: Option<u16>,
    /// What was seen of the request's body.
    #[serde(default, skip_serializing_if = "BodySeen::is_default")]
    pub request: BodySeen,
    /// What was seen of the response's body.
    #[serde(default, skip_serializing_if = "BodySeen::is_default")]
    pub response: BodySeen,
    /// What detectors noticed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<Signal>,
    /// What really happened.
    pub disposition: Disposition,
}
