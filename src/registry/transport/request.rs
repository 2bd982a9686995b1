//! What is asked, and the bodies that go with it.

use std::io::{self, Read};

use super::connections::Opening;
use crate::digest::VerifiedReader;
use crate::manifest::Descriptor;
use crate::reference::{Host, Repository};
use crate::registry::Source;
use crate::registry::error::Error;
use crate::registry::location::Location;
use crate::registry::scope::Scopes;

/// One request to a registry.
pub(in crate::registry) struct Request<'a> {
    pub(in crate::registry) method: &'static str,
    pub(in crate::registry) location: Location,
    pub(in crate::registry) headers: Vec<(&'static str, String)>,
    pub(in crate::registry) body: Body<'a>,
    pub(in crate::registry) scope: Scope<'a>,
    /// What its connection may be and bring.
    pub(in crate::registry) opening: Opening,
}

/// What a request is a part of: whose credentials it may carry, and which rights it needs.
#[derive(Clone, Copy)]
pub(in crate::registry) struct Scope<'a> {
    /// The root of the registry. Its origin is the only one that ever sees an Authorization.
    pub(in crate::registry) registry: &'a Location,
    /// The registry as the user named it.
    pub(in crate::registry) host: &'a Host,
    /// The repository, unless the request is about none.
    pub(in crate::registry) repository: Option<&'a Repository>,
    /// `pull`, or `pull,push`.
    pub(in crate::registry) actions: &'static str,
}

impl<'a> Request<'a> {
    /// A question about the registry itself, and none of its repositories.
    pub(in crate::registry) fn about(registry: &'a Location, host: &'a Host, location: Location) -> Self {
        let scope = Scope { registry, host, repository: None, actions: "" };
        let (body, opening) = (Body::None, Opening::Alone);
        Self { method: "GET", location, headers: Vec::new(), body, scope, opening }
    }
}

impl Scope<'_> {
    /// The scopes that the request needs by itself.
    pub(in crate::registry) fn own(&self) -> Scopes {
        self.repository.map_or_else(Scopes::none, |repository| Scopes::of(repository, self.actions))
    }
}

/// What a request carries. All of it can be sent again.
#[derive(Clone, Copy)]
pub(in crate::registry) enum Body<'a> {
    /// No body, and no word about it: `GET`, `HEAD`, `DELETE`.
    None,
    /// These bytes.
    Bytes(&'a [u8]),
    /// A blob, and who is told how much of it was sent.
    Blob { descriptor: &'a Descriptor, source: &'a dyn Source, progress: &'a (dyn Fn(u64) + Sync) },
}

impl Body<'_> {
    pub(super) fn size(&self) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Blob { descriptor, .. } => Some(descriptor.size),
        }
    }
}

/// A body on its way out, which remembers when it was its own fault.
pub(super) struct Outgoing<'a> {
    reader: Box<dyn Read + 'a>,
    progress: &'a (dyn Fn(u64) + Sync),
    sent: u64,
    pub(super) failed: Option<io::Error>,
}

impl<'a> Outgoing<'a> {
    /// Opens the body from its start, if there is one.
    pub(super) fn open(body: Body<'a>) -> Result<Option<Self>, Error> {
        let (reader, progress): (Box<dyn Read + 'a>, &'a (dyn Fn(u64) + Sync)) = match body {
            Body::None => return Ok(None),
            Body::Bytes(bytes) => (Box::new(bytes), &|_| {}),
            Body::Blob { descriptor, source, progress } => {
                let reader = source.open().map_err(|source| source_error(descriptor, source))?;
                // Content that changed since its descriptor was made is noticed before all of it is sent.
                let verified = VerifiedReader::new(reader, descriptor.digest.clone(), descriptor.size);
                (Box::new(verified), progress)
            }
        };
        Ok(Some(Self { reader, progress, sent: 0, failed: None }))
    }
}

impl Read for Outgoing<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(buf) {
            Ok(read) => {
                self.sent += read as u64;
                (self.progress)(self.sent);
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.failed = Some(error);
                Err(kind.into())
            }
        }
    }
}

pub(super) fn source_error(descriptor: &Descriptor, source: io::Error) -> Error {
    Error::Source { digest: descriptor.digest.clone(), source }
}
