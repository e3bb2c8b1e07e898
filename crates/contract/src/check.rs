//! One request or response against one operation. Whatever comes in, the answer is a list of
//! violations; what was not looked at is said to be so, never counted as good.

use std::borrow::Cow;

use exchange::body::{Body, Why};
use exchange::limits;
use exchange::message::{self, RequestHead};
use exchange::signal::Location;
use serde_json::{Map, Value};
use wire::{Fields, Query};

use crate::media::{self, Content, Selected};
use crate::operation::Operation;
use crate::parameter::{Parameter, ParameterPlace};
use crate::schema::{Departure, SchemaId, Unfit};
use crate::shape::{Reading, Shape};
use crate::style::Sent;
use crate::value;
use crate::violation::{Violation, ViolationClass, push};

/// What will be done with a request's body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BodyPlan {
    /// Its content is checked: it has to be held.
    Check,
    /// No body is declared: any is a violation.
    NotDeclared,
    /// The media type is declared, but its content is not understood.
    Unchecked,
    /// The media type is not declared.
    Unsupported,
}

/// How far a body was checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BodyCheck {
    /// To its end; all violations are known.
    Checked,
    /// There is none.
    Empty,
    /// It was not there to look at, or not all of it.
    NotSeen,
    /// The media type is declared, but its content is not understood, or nothing is declared
    /// about it.
    Unchecked,
    /// It is not declared.
    Undeclared,
}

impl Operation {
    /// Checks path, query, header and cookie parameters. Allocates only for parameters that are
    /// declared and sent.
    pub fn check_request_head(&self, head: &RequestHead<'_>, out: &mut Vec<Violation>) {
        if !self.distinct {
            return;
        }
        self.check_path(head.path.as_str(), out);
        for parameter in &self.parameters {
            match parameter.place {
                ParameterPlace::Path => {}
                ParameterPlace::Query => {
                    parameter.check(&self.definitions, &parameter.in_query(head.query), out);
                }
                ParameterPlace::Header => self.check_field(parameter, head.fields, out),
                ParameterPlace::Cookie => {
                    // a server may take any of several cookies of one name
                    let mut sent = cookies(head.fields, &parameter.name).map(Sent::Text);
                    let first = sent.next().unwrap_or(Sent::Absent);
                    for sent in std::iter::once(first).chain(sent) {
                        parameter.check(&self.definitions, &sent, out);
                    }
                }
            }
        }
        self.check_query_names(head.query, out);
    }

    fn check_path(&self, path: &str, out: &mut Vec<Violation>) {
        let segments = || path.split('/').filter(|segment| !segment.is_empty());
        // the template is what stands behind the base path, of which there may be several
        let base = segments().count().saturating_sub(self.segments.len());
        for (segment, text) in self.segments.iter().zip(segments().skip(base)) {
            if segment.names.is_empty() {
                continue;
            }
            segment.captures(text, |name, text| {
                let named = |it: &&Parameter| it.place == ParameterPlace::Path && *it.name == *name;
                if let Some(parameter) = self.parameters.iter().find(named) {
                    parameter.check(&self.definitions, &Sent::Text(text.as_bytes()), out);
                }
            });
        }
    }

    fn check_field(&self, parameter: &Parameter, fields: &Fields, out: &mut Vec<Violation>) {
        let mut values = fields.get_all(&parameter.name);
        let Some(first) = values.next() else {
            return parameter.check(&self.definitions, &Sent::Absent, out);
        };
        // several fields of one name are one list (RFC 9110 section 5.3)
        let mut joined = Cow::Borrowed(first);
        for value in values {
            joined.to_mut().push(b',');
            joined.to_mut().extend_from_slice(value);
        }
        parameter.check(&self.definitions, &Sent::Text(&joined), out);
    }

    fn check_query_names(&self, query: Query<'_>, out: &mut Vec<Violation>) {
        for (name, _) in query.pairs() {
            let name = Query::decode(name);
            let name = String::from_utf8_lossy(&name);
            let declared = self.parameters.iter().any(|it| it.owns_query_name(&name))
                || self.credentials.iter().any(|known| **known == *name);
            let location = Location::Query(name.as_ref().into());
            if !declared && !out.iter().any(|it| it.location == location) {
                let detail = "this query parameter is not declared";
                push(out, ViolationClass::Parameter, location, "undeclared", detail);
            }
        }
    }

    /// What [`Operation::check_request_body`] will do with a body of this `Content-Type`.
    #[must_use]
    pub fn request_body_plan(&self, content_type: &[u8]) -> BodyPlan {
        if !self.distinct {
            return BodyPlan::Unchecked;
        }
        let Some(body) = &self.body else { return BodyPlan::NotDeclared };
        match body.content.select(media::essence(content_type)) {
            None if body.content.entries.is_empty() => BodyPlan::Unchecked,
            None => BodyPlan::Unsupported,
            Some(Selected::Unchecked) => BodyPlan::Unchecked,
            Some(Selected::Json(_) | Selected::Form(..)) => BodyPlan::Check,
        }
    }

    /// Checks a request's body, and says how far it did.
    pub fn check_request_body(
        &self,
        content_type: &[u8],
        body: Body<'_>,
        out: &mut Vec<Violation>,
    ) -> BodyCheck {
        if !self.distinct {
            return BodyCheck::Unchecked;
        }
        let root = Location::Body("".into());
        let empty = matches!(body, Body::Absent(Why::Empty) | Body::Whole(b""));
        let Some(declared) = &self.body else {
            if !empty {
                let detail = "this operation takes no body";
                push(out, ViolationClass::UndeclaredBody, root, "undeclared", detail);
            }
            return if empty { BodyCheck::Empty } else { BodyCheck::Undeclared };
        };
        if empty {
            if declared.required {
                push(out, ViolationClass::MissingBody, root, "required", "a body is missing");
            }
            return BodyCheck::Empty;
        }
        self.check_content(&declared.content, content_type, body, out)
    }

    /// Checks a response: status, header fields and body.
    pub fn check_response(
        &self,
        status: u16,
        fields: &Fields,
        body: Body<'_>,
        out: &mut Vec<Violation>,
    ) -> BodyCheck {
        let empty = matches!(body, Body::Absent(Why::Empty) | Body::Whole(b""));
        if !self.distinct || self.responses.is_empty() {
            return if empty { BodyCheck::Empty } else { BodyCheck::Unchecked };
        }
        let Some(response) = self.response(status) else {
            let detail = format!("the status {status} is not declared");
            push(out, ViolationClass::Status, Location::Exchange, "status", detail);
            return if empty { BodyCheck::Empty } else { BodyCheck::Undeclared };
        };
        for header in &response.headers {
            self.check_field(header, fields, out);
        }
        if empty {
            return BodyCheck::Empty;
        }
        let content_type = message::media_type(fields);
        self.check_content(&response.content, content_type, body, out)
    }

    fn check_content(
        &self,
        content: &Content,
        content_type: &[u8],
        body: Body<'_>,
        out: &mut Vec<Violation>,
    ) -> BodyCheck {
        if content.entries.is_empty() {
            return BodyCheck::Unchecked;
        }
        let Some(selected) = content.select(media::essence(content_type)) else {
            let location = Location::Header("content-type".into());
            let detail = format!("expected one of {}", content.names());
            push(out, ViolationClass::MediaType, location, "contentType", detail);
            return BodyCheck::Undeclared;
        };
        let Body::Whole(text) = body else { return BodyCheck::NotSeen };
        match selected {
            Selected::Unchecked => BodyCheck::Unchecked,
            Selected::Json(schema) => {
                self.check_json(schema, text, out);
                BodyCheck::Checked
            }
            Selected::Form(schema, shape) => {
                self.check_form(schema, shape, text, out);
                BodyCheck::Checked
            }
        }
    }

    fn check_json(&self, schema: Option<SchemaId>, text: &[u8], out: &mut Vec<Violation>) {
        match self.definitions.read(schema, text) {
            Ok(departures) => judged(departures, out),
            Err(unfit) => syntax(unfit, out),
        }
    }

    /// A form is judged as an object whose properties are its fields.
    fn check_form(&self, schema: SchemaId, shape: &Shape, text: &[u8], out: &mut Vec<Violation>) {
        let mut map = Map::new();
        let mut values = 0;
        for (name, text) in Query::new(text).pairs() {
            let (name, text) = (Query::decode(name), Query::decode(text));
            let (name, text) = (String::from_utf8_lossy(&name), String::from_utf8_lossy(&text));
            values += 1;
            if values > limits::FORM_FIELDS_MAX {
                return syntax(Unfit::Size, out);
            }
            let field = shape.property(&name);
            match map.get_mut(&*name) {
                None if field.is_array() => {
                    let first = field.item().scalar(&text, Reading::Typed);
                    map.insert(name.into_owned(), Value::Array(vec![first]));
                }
                Some(Value::Array(list)) if field.is_array() => {
                    list.push(field.item().scalar(&text, Reading::Typed));
                }
                None => {
                    map.insert(name.into_owned(), form_value(field, &text));
                }
                Some(_) => {
                    let location = Location::body(&format!("/{name}"));
                    let detail = "expected this field once";
                    push(out, ViolationClass::BodySyntax, location, "repeated", detail);
                }
            }
        }
        judged(self.definitions.departures(schema, &Value::Object(map)), out);
    }
}

fn judged(departures: Vec<Departure>, out: &mut Vec<Violation>) {
    for departure in departures {
        let location = Location::body(&departure.pointer);
        push(out, ViolationClass::BodySchema, location, &departure.keyword, departure.detail);
    }
}

/// A field of a form: objects come as JSON, everything else as text.
fn form_value(field: &Shape, text: &str) -> Value {
    if field.is_object()
        && let Ok(value) = value::read(text.as_bytes())
    {
        return value;
    }
    field.scalar(text, Reading::Typed)
}

fn syntax(unfit: Unfit, out: &mut Vec<Violation>) {
    let class = ViolationClass::BodySyntax;
    match unfit {
        Unfit::Syntax(fault) => {
            push(out, class, Location::Body("".into()), "json", format!("not JSON: {fault}"));
        }
        Unfit::Duplicate(pointer) => {
            let detail = "an object has two members of the same name";
            push(out, class, Location::body(&pointer), "duplicate", detail);
        }
        Unfit::Number(pointer) => {
            let detail = "a number is larger than any program can hold";
            push(out, class, Location::body(&pointer), "json", detail);
        }
        Unfit::Size => {
            let detail = "the body is too large to be checked";
            push(out, class, Location::Body("".into()), "json", detail);
        }
    }
}

/// The values of all cookies of this name (RFC 6265 section 4.2.1).
fn cookies<'a>(fields: &'a Fields, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let pairs = fields.get_all("cookie").flat_map(|value| value.split(|byte| *byte == b';'));
    pairs.map(<[u8]>::trim_ascii).filter_map(move |pair| {
        let value = pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(value.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\"")).unwrap_or(value))
    })
}
