//! Every real contract of the shared data loads, and every schema in it compiles.

use std::io::Read;
use std::path::Path;

use contract::{Contract, DocumentError, SourceDocument};

use crate::{bytes, data, document, files};

/// What loading a folder came to.
#[derive(Debug, Default, Eq, PartialEq)]
struct Tally {
    loaded: usize,
    operations: usize,
    swagger: usize,
}

fn is_contract(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    [".json", ".yaml", ".yml"].iter().any(|end| name.ends_with(end))
        && !name.contains("postman")
        && !name.contains("challenges")
}

/// Loads all contracts of a folder, and perhaps compiles their schemas.
fn tally(folder: &str, compiled: bool) -> Tally {
    let mut tally = Tally::default();
    for path in files(&data(folder)).iter().filter(|path| is_contract(path)) {
        let name = path.file_name().unwrap().to_string_lossy();
        match Contract::from_documents(&[document(&name, String::from_utf8(bytes(path)).unwrap())])
        {
            Ok(contract) => {
                tally.loaded += 1;
                tally.operations += contract.operations().len();
                if compiled {
                    assert_eq!(contract.verify(), [], "{name}");
                }
                assert!(contract.warnings().len() < 200, "{name}");
            }
            Err(errors) => {
                let found: Vec<_> = errors.iter().map(DocumentError::to_string).collect();
                assert!(found[0].contains("a Swagger 2.0 document"), "{found:#?}");
                tally.swagger += 1;
            }
        }
    }
    tally
}

#[test]
fn small_ones() {
    let found = tally("openapi-specs/dev", true);
    assert_eq!(found, Tally { loaded: 270, operations: 11_030, swagger: 0 });
}

/// Without optimisation, compiling these takes longer than all other tests together.
#[test]
fn big_ones() {
    let found = tally("openapi-specs/big", false);
    assert_eq!(found, Tally { loaded: 11, operations: 7_997, swagger: 0 });
}

#[test]
fn as_published() {
    let found = tally("openapi-specs/native", true);
    assert_eq!(found, Tally { loaded: 5, operations: 2_310, swagger: 0 });
}

#[test]
fn replayed_ones() {
    let found = tally("specs", true);
    assert_eq!(found, Tally { loaded: 13, operations: 3_398, swagger: 8 });
}

#[test]
fn of_vulnerable_applications() {
    let found = tally("vuln-app-specs", true);
    assert_eq!(found, Tally { loaded: 7, operations: 135, swagger: 0 });
}

/// The regular files of a tar archive (POSIX.1-1988 headers), by name.
fn unpacked(archive: &[u8]) -> Vec<SourceDocument> {
    let field = |header: &[u8], from: usize, to: usize| {
        let text = String::from_utf8_lossy(&header[from..to]).into_owned();
        text.trim_end_matches(['\0', ' ']).to_owned()
    };
    let mut out = Vec::new();
    let mut rest = archive;
    while rest.len() >= 512 && rest[0] != 0 {
        let (header, behind) = rest.split_at(512);
        let size = usize::from_str_radix(&field(header, 124, 136), 8).unwrap();
        if matches!(header[156], b'0' | 0) {
            let text = String::from_utf8(behind[..size].to_vec()).unwrap();
            let (folder, name) = (field(header, 345, 500), field(header, 0, 100));
            let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            out.push(document(&name, text));
        }
        rest = &behind[size.next_multiple_of(512)..];
    }
    out
}

/// DigitalOcean's contract is 1,700 files; a caller loads only those that are referred to.
#[test]
fn in_many_files() {
    let mut archive = Vec::new();
    let packed = std::fs::read(data("openapi-specs/native/digitalocean-multifile.tar.gz")).unwrap();
    flate2::read::GzDecoder::new(&*packed).read_to_end(&mut archive).unwrap();
    let all = unpacked(&archive);
    let mut documents: Vec<SourceDocument> = Vec::new();
    let mut wanted = vec!["specification/DigitalOcean-public.v2.yaml".to_owned()];
    while let Some(name) = wanted.pop() {
        if documents.iter().any(|document| document.name == name) {
            continue;
        }
        let found = all.iter().find(|document| document.name == name);
        let found = found.unwrap_or_else(|| panic!("{name} is not in the archive")).clone();
        wanted.extend(contract::referenced_files(&found).unwrap());
        documents.push(found);
    }
    let contract = Contract::from_documents(&documents).unwrap();
    assert_eq!((documents.len(), contract.operations().len()), (1_486, 659));
    assert_eq!(contract.verify(), []);
}
