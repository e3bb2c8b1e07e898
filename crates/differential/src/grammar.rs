//! Connections full of requests: put together from sound and hostile parts, taken from the seeds,
//! and damaged.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::random::Random;

const METHODS: &[&[u8]] = &[
    b"GET",
    b"GET",
    b"POST",
    b"POST",
    b"PUT",
    b"PATCH",
    b"DELETE",
    b"HEAD",
    b"OPTIONS",
    b"PURGE",
    b"M-SEARCH",
    b"get",
    b"TRACE",
];

const VERSIONS: &[&[u8]] = &[
    b"HTTP/1.1",
    b"HTTP/1.1",
    b"HTTP/1.1",
    b"HTTP/1.1",
    b"HTTP/1.1",
    b"HTTP/1.1",
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/1.0",
    b"HTTP/1.2",
    b"HTTP/2.0",
    b"http/1.1",
    b"HTTP/1.1 ",
];

const FIELDS: &[&[u8]] = &[
    b"Accept: */*",
    b"Accept:*/*",
    b"Cookie: a=b; c=\"d\"",
    b"Cookie: a=b",
    b"Content-Type: application/json",
    b"Authorization: Basic YTpi",
    b"X-Forwarded-For: 127.0.0.1, 10.0.0.1",
    b"X_Forwarded_For: 127.0.0.1",
    b"X-Original-URL: /admin",
    b"X-HTTP-Method-Override: DELETE",
    b"Connection: close",
    b"Connection: keep-alive",
    b"Connection: Host",
    b"Connection: X-A, Content-Length",
    b"Connection: x-a",
    b"X-A: \t b \t",
    b"x-a:",
    b"X-Empty: ",
    b"Expect: 100-continue",
    b"TE: trailers",
    b"TE: chunked",
    b"Trailer: X-T",
    b"Keep-Alive: timeout=5",
    b"Proxy-Connection: keep-alive",
    b"Upgrade: h2c",
    b"HTTP2-Settings: AAMAAABkAAQAAP__",
    b"Range: bytes=0-0",
    b"Forwarded: for=1.1.1.1;host=evil",
    b"X-Obs: caf\xc3\xa9 \xff",
    b"X-Quote: \"a\\\"b\", c",
    b" folded: x",
    b"X-Fold: a\r\n b",
    b"No-Colon",
    b": no name",
    b"X-Space : a",
    b"X-Nul: a\x00b",
    b"X-Cr: a\rb",
    b"Content_Length: 5",
    b"Transfer_Encoding: chunked",
    b"Content-Length\x0b: 5",
    b"Date: Tue, 15 Nov 1994 08:12:31 GMT",
    b"Referer: http://a/b?c#d",
    b"!#$%&'*+.^_`|~: tokens",
];

const LENGTHS: &[&[u8]] = &[
    b"+3",
    b"-1",
    b"0x3",
    b"03",
    b"3 ",
    b"3,3",
    b"3, 3",
    b"",
    b"1_0",
    b"3\t",
    b"4",
    b"2",
    b"18446744073709551616",
    b"99999999999999999999999",
    b"3;a",
    b"\xd9\xa3",
];

const CODINGS: &[&[u8]] = &[
    b"chunked",
    b"Chunked",
    b"CHUNKED",
    b" chunked ",
    b"identity",
    b"gzip, chunked",
    b"chunked, chunked",
    b"chunked, identity",
    b"xchunked",
    b"\x0bchunked",
    b",chunked",
    b"chunked,",
    b"chunked;a=b",
    b"\"chunked\"",
    b"chunk",
    b"",
];

const SIZES: &[&[u8]] = &[
    b"3",
    b"3",
    b"03",
    b"0000003",
    b"3;a=b",
    b"3;a",
    b"3 ",
    b"3 ;a",
    b"3;",
    b"0x3",
    b"+3",
    b"3_",
    b"3;a=\"b\"",
    b"3;\n",
    b"g",
    b"10000000000000003",
    b"4",
    b"2",
];

const BODIES: &[&[u8]] = &[
    b"",
    b"abc",
    b"{\"a\":[1,2,{\"b\":null}]}",
    b"a=b&c=d",
    b"GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n",
    b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n",
    b"\r\n\r\n",
    b"\x00\x01\xff\xfe",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
];

const TRAILERS: &[&[u8]] = &[
    b"",
    b"",
    b"",
    b"X-T: v\r\n",
    b"Digest: x\r\nX-U: w\r\n",
    b"Content-Length: 3\r\n",
    b"Host: evil\r\n",
    b"X-T: a\nb\r\n",
    b"Authorization: x\r\n",
];

const NOISE: &[&[u8]] = &[
    b"\r",
    b"\n",
    b"\r\n",
    b"\0",
    b" ",
    b"\t",
    b":",
    b",",
    b"\x0b",
    b"\x80",
    b"%",
    b"/",
    b"?",
    b"#",
    b"\r\n\r\n",
    b"0\r\n\r\n",
    b"Content-Length: 1\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Host: b\r\n",
    b"GET / HTTP/1.1\r\n",
];

/// Requests, paths and hosts that the seeds of the fuzz targets hold.
#[derive(Debug)]
pub(crate) struct Corpus {
    requests: Vec<Vec<u8>>,
    paths: Vec<Vec<u8>>,
    hosts: Vec<Vec<u8>>,
}

impl Corpus {
    /// Reads the seeds below this directory.
    pub(crate) fn read(seeds: &Path) -> Result<Self> {
        let headed = |bytes: Vec<u8>| bytes.get(3..).unwrap_or_default().to_vec();
        let mut requests = files(&seeds.join("wire_request"))?;
        requests.extend(files(&seeds.join("wire_connection"))?);
        let hosts = files(&seeds.join("wire_authority"))?;
        Ok(Self {
            requests: requests.into_iter().map(headed).collect(),
            paths: files(&seeds.join("wire_path"))?,
            hosts: hosts.into_iter().map(headed).collect(),
        })
    }

    /// The bytes of one connection: one to three requests.
    pub(crate) fn connection(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..=random.below(3) {
            if random.once_in(4) {
                let known = &self.requests[random.below(self.requests.len())];
                bytes.extend_from_slice(known);
            } else {
                self.request(random, &mut bytes);
            }
        }
        while random.once_in(3) {
            damage(random, &mut bytes);
        }
        bytes
    }

    fn request(&self, random: &mut Random, out: &mut Vec<u8>) {
        let seldom = |random: &mut Random, all: &[&[u8]], times| -> usize {
            if random.once_in(times) { random.below(all.len()) } else { 0 }
        };
        let methods = METHODS.len() - if random.once_in(9) { 0 } else { 2 };
        out.extend_from_slice(METHODS[random.below(methods)]);
        out.push(b' ');
        self.target(random, out);
        out.push(b' ');
        out.extend_from_slice(VERSIONS[seldom(random, VERSIONS, 3)]);
        out.extend_from_slice(b"\r\n");
        self.host(random, out);
        for _ in 0..random.below(5) {
            // half of the list are fields that refuse the whole message
            let usual = random.below(30);
            let any = random.below(FIELDS.len());
            out.extend_from_slice(FIELDS[if random.once_in(8) { any } else { usual }]);
            out.extend_from_slice(b"\r\n");
        }
        body(random, out);
    }

    /// A method, a target and a host, for a request without lines.
    pub(crate) fn line(&self, random: &mut Random) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let method = METHODS[random.below(METHODS.len())].to_vec();
        let mut target = Vec::new();
        self.target(random, &mut target);
        let host = match random.below(4) {
            0 => self.hosts[random.below(self.hosts.len())].clone(),
            1 => b"API.Example.COM.:8080".to_vec(),
            _ => b"a".to_vec(),
        };
        (method, target, host)
    }

    /// A field line.
    pub(crate) fn field(&self, random: &mut Random) -> &'static [u8] {
        FIELDS[random.below(FIELDS.len())]
    }

    /// A body.
    pub(crate) fn data(&self, random: &mut Random) -> &'static [u8] {
        BODIES[random.below(BODIES.len())]
    }

    fn target(&self, random: &mut Random, out: &mut Vec<u8>) {
        if random.once_in(20) {
            out.extend_from_slice(random.one(&[
                b"*".as_slice(),
                b"http://a",
                b"http://A:80",
                b"a:1",
            ]));
        }
        match random.below(6) {
            0 => out.extend_from_slice(&self.paths[random.below(self.paths.len())]),
            1 => out.extend_from_slice(b"/"),
            _ => {
                for _ in 0..=random.below(4) {
                    out.push(b'/');
                    out.extend_from_slice(random.one(&[
                        b"v1".as_slice(),
                        b"orders",
                        b"42",
                        b"%7e",
                        b"%61dmin",
                        b"a:b@c!$&'()*+,=",
                        b"%C3%A9",
                        b"%e2%82%ac",
                        b"a%20b",
                        b"[x]",
                        b"^|\"<>",
                        b"..a",
                        b"a..",
                        b"%3F",
                    ]));
                }
            }
        }
        for _ in 0..random.below(3) {
            out.extend_from_slice(random.one(&[
                b"?".as_slice(),
                b"?a=b",
                b"?a=b&a=c",
                b"?%00",
                b"?a=/../b",
                b"??",
                b"&x[]=%5B",
                b"?{}|^`",
                b"?http://a/b",
                b";p=1",
                b"?a+b=%2B",
                b"?\"<>'",
            ]));
        }
    }

    fn host(&self, random: &mut Random, out: &mut Vec<u8>) {
        if random.once_in(25) {
            return;
        }
        out.extend_from_slice(random.one(&[b"Host: ".as_slice(), b"Host:", b"hOST:\t", b"Host: "]));
        match random.below(5) {
            0 => out.extend_from_slice(&self.hosts[random.below(self.hosts.len())]),
            1 => out.extend_from_slice(b"API.Example.COM.:8080"),
            2 => out.extend_from_slice(b"[2001:DB8::0:1]:443"),
            _ => out.push(b'a'),
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// The field that frames the body, the empty line, and the body.
fn body(random: &mut Random, out: &mut Vec<u8>) {
    let data = BODIES[random.below(BODIES.len())];
    let hostile = random.once_in(8);
    match random.below(if hostile { 6 } else { 3 }) {
        0 => out.extend_from_slice(b"\r\n"),
        1 => {
            out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", data.len()).as_bytes());
            out.extend_from_slice(data);
        }
        2 => {
            out.extend_from_slice(b"Transfer-Encoding: ");
            let coding =
                if random.once_in(6) { random.below(CODINGS.len()) } else { random.below(3) };
            out.extend_from_slice(CODINGS[coding]);
            out.extend_from_slice(b"\r\n\r\n");
            chunks(random, data, out);
        }
        3 => {
            out.extend_from_slice(b"Content-Length: ");
            out.extend_from_slice(random.one(LENGTHS));
            out.extend_from_slice(b"\r\n\r\nabc");
        }
        4 => {
            out.extend_from_slice(b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n");
            chunks(random, data, out);
        }
        _ => {
            out.extend_from_slice(b"Content-Length: 3\r\nContent-Length: ");
            out.extend_from_slice(random.one(LENGTHS));
            out.extend_from_slice(b"\r\n\r\nabc");
        }
    }
}

/// Data as chunks of any size, now and then with a size line that is not sound.
fn chunks(random: &mut Random, data: &[u8], out: &mut Vec<u8>) {
    let most = 1 + random.below(data.len().max(1));
    for chunk in data.chunks(most) {
        let size = match random.below(3) {
            0 => format!("{:x}", chunk.len()),
            1 => format!("{:02X}", chunk.len()),
            _ => format!("{:x};a=b", chunk.len()),
        };
        out.extend_from_slice(size.as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    if random.once_in(10) {
        out.extend_from_slice(random.one(SIZES));
        out.extend_from_slice(b"\r\nabc\r\n");
    }
    out.extend_from_slice(b"0\r\n");
    out.extend_from_slice(
        TRAILERS[if random.once_in(3) { random.below(TRAILERS.len()) } else { 0 }],
    );
    out.extend_from_slice(b"\r\n");
}

/// Puts one thing wrong, anywhere.
fn damage(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len());
    match random.below(5) {
        0 => {
            bytes.splice(at..at, random.one(NOISE).iter().copied());
        }
        1 if at < bytes.len() => {
            bytes.remove(at);
        }
        2 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        3 => {
            // a line once more
            let end = bytes[at..]
                .iter()
                .position(|&byte| byte == b'\n')
                .map_or(bytes.len(), |n| at + n + 1);
            let start = bytes[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |n| n + 1);
            let line = bytes[start..end].to_vec();
            bytes.splice(end..end, line);
        }
        _ => {
            // a line end that is none
            if let Some(end) = bytes[at..].windows(2).position(|pair| pair == b"\r\n") {
                bytes.remove(at + end + random.below(2));
            }
        }
    }
}

fn files(directory: &Path) -> Result<Vec<Vec<u8>>> {
    let shown = || directory.display().to_string();
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).with_context(shown)? {
        paths.push(entry?.path());
    }
    paths.sort();
    ensure!(!paths.is_empty(), "{} is empty", shown());
    paths.iter().map(|path| std::fs::read(path).with_context(shown)).collect()
}
