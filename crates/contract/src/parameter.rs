//! Parameters: what is declared about one, and whether what was sent agrees.

use exchange::signal::Location;
use wire::Query;

use crate::schema::{Definitions, SchemaId};
use crate::shape::{Reading, Shape};
use crate::style::{Sent, Style};
use crate::value;
use crate::violation::{Violation, ViolationClass, push};

/// Where a parameter is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum ParameterPlace {
    /// In the `Cookie` field.
    Cookie,
    /// In a header field.
    Header,
    /// In the path.
    Path,
    /// In the query.
    Query,
}

impl ParameterPlace {
    /// The place of this name in a contract.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "cookie" => Self::Cookie,
            "header" => Self::Header,
            "path" => Self::Path,
            "query" => Self::Query,
            _ => return None,
        })
    }

    /// Where a violation of the parameter of this name is.
    pub(crate) fn location(self, name: &str) -> Location {
        match self {
            Self::Cookie => Location::Cookie(name.into()),
            Self::Header => Location::Header(name.into()),
            Self::Path => Location::Path(name.into()),
            Self::Query => Location::Query(name.into()),
        }
    }
}

/// A declared parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Where it is.
    pub place: ParameterPlace,
    /// Its name.
    pub name: Box<str>,
    /// True when a request without it is wrong.
    pub required: bool,
    pub(crate) style: Style,
    pub(crate) allow_empty: bool,
    pub(crate) rule: Rule,
}

/// What the value of a parameter is judged by.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    /// Text in a style, judged by a schema.
    Styled(SchemaId, Box<Shape>),
    /// JSON text, judged by a schema.
    Json(Option<SchemaId>),
    /// Anything.
    Unchecked,
}

impl Parameter {
    /// Judges what was sent under this parameter's name.
    pub(crate) fn check(
        &self,
        definitions: &Definitions,
        sent: &Sent<'_>,
        out: &mut Vec<Violation>,
    ) {
        if sent.is_absent() {
            if self.required {
                self.violate(out, "required", "this parameter is missing");
            }
            return;
        }
        if self.allow_empty && sent.is_empty() {
            return;
        }
        match &self.rule {
            Rule::Unchecked => {}
            Rule::Json(schema) => self.check_json(definitions, *schema, sent, out),
            Rule::Styled(schema, shape) => {
                let typed = match self.style.value(sent, &self.name, shape, Reading::Typed) {
                    Ok(value) => value,
                    Err(misuse) => return self.violate(out, misuse.keyword(), misuse.detail()),
                };
                if definitions.allows(*schema, &typed) {
                    return;
                }
                let strings = self.style.value(sent, &self.name, shape, Reading::Strings);
                if strings.is_ok_and(|value| definitions.allows(*schema, &value)) {
                    return;
                }
                let departures = definitions.departures(*schema, &typed);
                for departure in departures {
                    self.violate(out, &departure.keyword, departure.detail);
                }
            }
        }
    }

    fn check_json(
        &self,
        definitions: &Definitions,
        schema: Option<SchemaId>,
        sent: &Sent<'_>,
        out: &mut Vec<Violation>,
    ) {
        match sent.single().map(|text| value::read(text.as_bytes())) {
            None => self.violate(out, "repeated", "expected this parameter once"),
            Some(Err(_)) => self.violate(out, "json", "expected JSON without repeated names"),
            Some(Ok(value)) => {
                let Some(schema) = schema else { return };
                for departure in definitions.departures(schema, &value) {
                    self.violate(out, &departure.keyword, departure.detail);
                }
            }
        }
    }

    fn violate(&self, out: &mut Vec<Violation>, keyword: &str, detail: impl Into<Box<str>>) {
        let location = self.place.location(&self.name);
        push(out, ViolationClass::Parameter, location, keyword, detail);
    }

    /// True when a query parameter of this name belongs to this parameter.
    pub(crate) fn owns_query_name(&self, name: &str) -> bool {
        if self.place != ParameterPlace::Query {
            return false;
        }
        match self.style {
            Style::Deep => name.strip_prefix(&*self.name).is_some_and(|rest| rest.starts_with('[')),
            _ => match self.exploded_object() {
                Some(shape) => shape.is_open() || shape.has_property(name),
                None => *name == *self.name,
            },
        }
    }

    /// The shape of an object whose properties are query parameters of their own.
    fn exploded_object(&self) -> Option<&Shape> {
        match (&self.rule, self.style) {
            (Rule::Styled(_, shape), Style::Form { explode: true })
                if shape.is_object() && !shape.is_scalar() && !shape.is_array() =>
            {
                Some(shape)
            }
            _ => None,
        }
    }

    /// What a query holds for this parameter.
    pub(crate) fn in_query<'a>(&'a self, query: Query<'a>) -> Sent<'a> {
        match self.exploded_object() {
            _ if self.style == Style::Deep => Sent::Deep(query, &self.name),
            Some(shape) => Sent::Properties(query, shape),
            None => Sent::Query(query, &self.name),
        }
    }
}
