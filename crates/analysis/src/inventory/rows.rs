//! Endpoints as they are shown: plain rows for the console, reports and the store.

use exchange::endpoint::{Method, TemplateSegment};
use exchange::kind::ValueKind;
use exchange::moment::Moment;
use exchange::shape::Types;

use super::assemble::Known;
use super::media::Media;
use super::shape::{Seen, ShapeTally};
use crate::drift;
use crate::snapshot::{
    Basis, Direction, Endpoint, Field, Parameter, ParameterIn, Protocol, SegmentGrounds,
};

/// Depth to which fields are shown.
const FIELD_DEPTH: usize = 16;

impl Known<'_> {
    /// The row of this endpoint.
    pub(crate) fn row(&self, now: Moment) -> Endpoint {
        let tally = &self.tally;
        Endpoint {
            id: self.id,
            service: self.service.clone(),
            host: self.host.clone(),
            method: self.method,
            template: self.template.clone(),
            operation: self
                .declared
                .map(|operation| operation.operation_id.as_deref().unwrap_or_default().into()),
            state: drift::state(self, now),
            protocol: self.protocol(),
            exchanges: tally.exchanges,
            // an estimate may overshoot, and nobody sends half an exchange
            principals: tally.principals.estimate().min(tally.exchanges),
            statuses: tally.statuses.as_slice().to_vec(),
            authentication: tally.authentication.all(),
            authentication_2xx: tally.authentication.accepted(),
            data_in: tally.sensitivity.incoming,
            data_out: tally.sensitivity.outgoing,
            parameters: self.row_parameters().collect(),
            fields: self.fields(),
            grounds: self.all_grounds(),
            first_seen: tally.span.first(),
            last_seen: tally.span.last(),
        }
    }

    /// Parameters of the path in their order, then those of query and form.
    pub(crate) fn row_parameters(&self) -> impl Iterator<Item = Parameter> {
        self.path_parameters().chain(self.tally.parameters.rows())
    }

    fn path_parameters(&self) -> impl Iterator<Item = Parameter> {
        let names = self.template.0.iter().filter_map(|segment| match segment {
            TemplateSegment::Parameter(name) => Some(name),
            TemplateSegment::Literal(_) => None,
        });
        names.enumerate().map(|(at, name)| Parameter {
            place: ParameterIn::Path,
            name: name.clone(),
            kind: self.kinds.get(at).map_or(ValueKind::Word, |kinds| kinds.common()),
            exchanges: self.tally.exchanges,
            data: exchange::data_class::DataClasses::NONE,
        })
    }

    fn all_grounds(&self) -> Vec<SegmentGrounds> {
        if self.declared.is_none() {
            return self.grounds.clone();
        }
        let segments = (0_u16..).zip(&self.template.0);
        let parameters = segments.filter(|(_, one)| matches!(one, TemplateSegment::Parameter(_)));
        parameters
            .map(|(segment, _)| SegmentGrounds {
                segment,
                basis: Basis::Declared,
                distinct: 0,
                unseen: 0.0,
                confidence: 1.0,
                literals: 0,
                kinds: Vec::new(),
            })
            .collect()
    }

    fn fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        if let Some(shape) = &self.tally.request {
            list(shape, Direction::Request, &mut fields);
        }
        if let Some(shape) = self.tally.response(2) {
            list(shape, Direction::Response, &mut fields);
        }
        fields
    }

    fn protocol(&self) -> Protocol {
        let asked = |media| self.tally.request_media.get(media) > 0;
        let answered = |media| self.tally.media.get(media) > 0;
        if asked(Media::Grpc) || answered(Media::Grpc) {
            return Protocol::Grpc;
        }
        if asked(Media::Soap) || answered(Media::Soap) {
            return Protocol::Soap;
        }
        let last = self.template.0.last();
        let named = matches!(last, Some(TemplateSegment::Literal(word)) if **word == *"graphql");
        if named && matches!(self.method, Method::Get | Method::Post) {
            return Protocol::Graphql;
        }
        Protocol::Http
    }
}

fn list(shape: &ShapeTally, direction: Direction, fields: &mut Vec<Field>) {
    let Some(root) = shape.root() else { return };
    let mut pointer = String::new();
    below(&root, direction, &mut pointer, 0, fields);
}

fn below(
    seen: &Seen<'_>,
    direction: Direction,
    pointer: &mut String,
    depth: usize,
    fields: &mut Vec<Field>,
) {
    if depth >= FIELD_DEPTH {
        return;
    }
    let length = pointer.len();
    let members = seen.members();
    let named =
        members.named.iter().map(|member| (Some(member.name), member.required, &member.seen));
    let elements = seen.elements();
    let unnamed = elements.iter().chain(&members.rest).map(|seen| (None, false, seen));
    for (name, required, next) in named.chain(unnamed) {
        pointer.push('/');
        match name {
            Some(name) => pointer.push_str(&name.replace('~', "~0").replace('/', "~1")),
            None => pointer.push('*'),
        }
        fields.push(Field {
            direction,
            pointer: pointer.as_str().into(),
            types: type_names(next.types()).map(Into::into).collect(),
            kind: next.kind(),
            required,
            occurrences: next.occurrences(),
            data: next.data(),
        });
        below(next, direction, pointer, depth + 1, fields);
        pointer.truncate(length);
    }
}

/// The names of the types in the set, in the usual order. An integer is a number.
pub(super) fn type_names(types: Types) -> impl Iterator<Item = &'static str> {
    let both = types.has(Types::INTEGER) && types.has(Types::NUMBER);
    Types::NAMES
        .iter()
        .filter(move |(one, _)| types.has(*one) && !(both && *one == Types::INTEGER))
        .map(|(_, name)| *name)
}
