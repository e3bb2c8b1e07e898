//! An endpoint of the inventory, with the names that an analysis uses.

use std::collections::BTreeMap;

use analysis::snapshot;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct List<'v> {
    pub(crate) endpoints: Vec<Endpoint<'v>>,
    pub(crate) total: usize,
    pub(crate) next: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Endpoint<'v> {
    id: String,
    service: &'v str,
    host: &'v str,
    method: &'static str,
    template: String,
    operation: Option<&'v str>,
    state: &'static str,
    protocol: &'static str,
    exchanges: u64,
    principals: u64,
    statuses: BTreeMap<String, u64>,
    authentication: BTreeMap<&'static str, u64>,
    data: Vec<&'static str>,
    parameters: Vec<Parameter<'v>>,
    first_seen: Option<String>,
    last_seen: Option<String>,
}

#[derive(Debug, Serialize)]
struct Parameter<'v> {
    r#in: &'static str,
    name: &'v str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
}

impl<'v> Endpoint<'v> {
    pub(crate) fn of(endpoint: &'v snapshot::Endpoint) -> Self {
        let parameter = |parameter: &'v snapshot::Parameter| {
            let (kind, format) = parameter.schema();
            Parameter {
                r#in: parameter.place.as_str(),
                name: &parameter.name,
                r#type: kind,
                format,
            }
        };
        let statuses = endpoint.statuses.iter();
        let authentication = endpoint.authentication.iter();
        Self {
            id: endpoint.id.to_string(),
            service: &endpoint.service,
            host: &endpoint.host,
            method: endpoint.method.as_str(),
            template: endpoint.template.to_string(),
            operation: endpoint.operation.as_deref(),
            state: endpoint.state.as_str(),
            protocol: endpoint.protocol.as_str(),
            exchanges: endpoint.exchanges,
            principals: endpoint.principals,
            statuses: statuses.map(|(status, count)| (status.to_string(), *count)).collect(),
            authentication: authentication.map(|(how, count)| (how.as_str(), *count)).collect(),
            data: endpoint.data().iter().map(|class| class.as_str()).collect(),
            parameters: endpoint.parameters.iter().map(parameter).collect(),
            first_seen: endpoint.first_seen.map(|moment| moment.to_string()),
            last_seen: endpoint.last_seen.map(|moment| moment.to_string()),
        }
    }
}
