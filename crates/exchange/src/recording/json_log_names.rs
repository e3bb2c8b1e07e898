//! Under which names access logs in JSON say what: the defaults of Caddy, Envoy, Traefik, pino, the
//! Elastic Common Schema, Google's and Amazon's load balancers, and what people name nginx's
//! variables.
//!
//! Names are compared without case and punctuation, with those of the objects around them in
//! front: `http.request.method`, `httpRequestMethod` and `{"http":{"request":{"method"…` are one.

/// What a member of a log line says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    Agent,
    Client,
    Duration(Unit),
    /// Header fields as an object.
    Fields,
    Forwarded,
    Host,
    Method,
    Query,
    Referer,
    RequestLine,
    Scheme,
    Status,
    Target,
    Time,
    /// A date if it reads like one, a duration in seconds otherwise.
    TimeOrSeconds,
    User,
}

/// The unit of a duration that is a bare number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unit {
    /// Seconds with a point, milliseconds without.
    Guess,
    Micros,
    Millis,
    Nanos,
    Seconds,
}

/// What the member of this name says, and which of two such members is to be believed: the higher.
pub(super) fn role(name: &[u8]) -> Option<(Role, u8)> {
    about_exchange(name).or_else(|| about_place(name))
}

/// What was asked and answered.
fn about_exchange(name: &[u8]) -> Option<(Role, u8)> {
    Some(match name {
        b"method"
        | b"requestmethod"
        | b"httpmethod"
        | b"verb"
        | b"reqmethod"
        | b"csmethod"
        | b"httprequestmethod"
        | b"httprequestrequestmethod" => (Role::Method, 1),
        b"request" | b"requestline" | b"httprequest" => (Role::RequestLine, 1),
        b"requesturi"
        | b"requesturl"
        | b"url"
        | b"requrl"
        | b"urlfull"
        | b"urloriginal"
        | b"httpurl"
        | b"httptarget"
        | b"httprequestrequesturl"
        | b"originalurl" => (Role::Target, 3),
        b"uri" | b"path" | b"requestpath" | b"httppath" | b"urlpath" | b"csuristem"
        | b"requestpathname" | b"reqpath" => (Role::Target, 2),
        b"originpath" | b"rawpath" => (Role::Target, 1),
        b"query" | b"querystring" | b"args" | b"urlquery" | b"requestquery" | b"csuriquery" => {
            (Role::Query, 1)
        }
        b"status"
        | b"statuscode"
        | b"responsestatus"
        | b"responsecode"
        | b"httpstatus"
        | b"responsestatuscode"
        | b"httpresponsestatuscode"
        | b"downstreamstatus"
        | b"resstatuscode"
        | b"httprequeststatus"
        | b"httpstatuscode"
        | b"scstatus"
        | b"elbstatuscode" => (Role::Status, 2),
        b"originstatus" | b"upstreamstatus" => (Role::Status, 1),
        b"headers" | b"requestheaders" | b"reqheaders" | b"httprequestheaders" => (Role::Fields, 1),
        b"useragent"
        | b"httpuseragent"
        | b"requestuseragent"
        | b"agent"
        | b"useragentoriginal"
        | b"httprequestuseragent"
        | b"csuseragent" => (Role::Agent, 1),
        b"referer"
        | b"referrer"
        | b"httpreferer"
        | b"httpreferrer"
        | b"requestreferer"
        | b"httprequestreferer"
        | b"httprequestreferrer" => (Role::Referer, 1),
        _ => return None,
    })
}

/// Where, when, by whom and for how long.
fn about_place(name: &[u8]) -> Option<(Role, u8)> {
    Some(match name {
        b"requesthost" | b"httphost" | b"authority" | b"requestauthority" | b"urldomain"
        | b"domainname" | b"vhost" | b"virtualhost" | b"reqhost" | b"cshost" => (Role::Host, 2),
        b"host" | b"servername" | b"hostname" => (Role::Host, 1),
        b"scheme" | b"requestscheme" | b"urlscheme" => (Role::Scheme, 1),
        b"timestamp" | b"time" | b"ts" | b"timelocal" | b"timeiso8601" | b"date" | b"datetime"
        | b"msec" | b"eventtime" => (Role::Time, 1),
        b"starttime" | b"startutc" | b"requesttimeepoch" | b"requesttimestamp" => (Role::Time, 2),
        b"requesttime" => (Role::TimeOrSeconds, 1),
        b"remoteaddr"
        | b"remoteip"
        | b"ip"
        | b"client"
        | b"remoteaddress"
        | b"requestremoteip"
        | b"downstreamremoteaddress"
        | b"downstreamremoteaddresswithoutport"
        | b"sourceip"
        | b"reqremoteaddress"
        | b"httprequestremoteip"
        | b"remotehost"
        | b"peeraddr"
        | b"downstreamdirectremoteaddress" => (Role::Client, 1),
        b"clientip" | b"clientaddr" | b"clienthost" | b"clientaddress" | b"requestclientip"
        | b"realip" | b"xrealip" | b"cip" | b"sourceaddress" => (Role::Client, 2),
        b"xforwardedfor" | b"httpxforwardedfor" | b"forwardedfor" | b"requestxforwardedfor" => {
            (Role::Forwarded, 1)
        }
        b"remoteuser" | b"user" | b"username" | b"userid" | b"clientusername" | b"authuser"
        | b"requestuser" => (Role::User, 1),
        b"duration" | b"latency" | b"elapsed" | b"timetaken" | b"took" | b"httprequestlatency" => {
            (Role::Duration(Unit::Guess), 1)
        }
        b"durationms" | b"latencyms" | b"elapsedms" | b"responsetime" | b"responsetimems"
        | b"responselatency" => (Role::Duration(Unit::Millis), 2),
        b"durationus" | b"latencyus" => (Role::Duration(Unit::Micros), 2),
        b"eventduration" | b"durationns" | b"latencyns" => (Role::Duration(Unit::Nanos), 2),
        b"durations" | b"durationseconds" | b"latencyseconds" => (Role::Duration(Unit::Seconds), 2),
        _ => return None,
    })
}
