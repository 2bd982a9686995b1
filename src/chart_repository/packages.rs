//! Packages of charts, and the provenance files beside them.

use super::client::ChartRepository;
use super::error::RepositoryError;
use crate::digest::Digest;
use crate::http::{self, Asks as _, HttpRequest, Sink, WantedBody, download};
use crate::limits::{MAX_CHART, MAX_PROVENANCE};

/// Where a package goes. What it holds is begun anew where a server has not the whole.
pub trait PackageSink: Sink {}

impl<T: Sink> PackageSink for T {}

/// What is known of a package beforehand.
#[derive(Clone, Copy, Debug)]
pub enum ExpectedPackage<'a> {
    /// Its digest.
    Digest(&'a Digest),
    /// Nothing, or several of which at most one is true: whatever comes is taken.
    Anything,
}

impl ChartRepository {
    /// Downloads a package. When this returns, the sink holds the whole, with the digest that is expected, if one is.
    pub fn package(
        &self,
        url: &str,
        expected: ExpectedPackage<'_>,
        sink: &mut dyn PackageSink,
    ) -> Result<(), RepositoryError> {
        let target = self.target(url)?;
        let _visit = self.hosts.visit(target.location.origin());
        let request = target.request(Vec::new());
        if let ExpectedPackage::Digest(digest) = expected {
            let wanted = WantedBody { digest, size: None, limit: MAX_CHART, etag: "" };
            return download(&self.transport, self, request, wanted, sink);
        }
        self.transport.retrying(|_| {
            let mut response = self.send(&request)?;
            if response.status != 200 {
                return Err(self.refused(response));
            }
            let line = response.request.clone();
            let kept = |source| RepositoryError::Kept { request: line.clone(), source };
            sink.restart().map_err(kept)?;
            let told = response.content_length();
            let mut buffer = vec![0; 64 << 10];
            loop {
                let read = response.next(&mut buffer)?;
                if read == 0 {
                    break;
                }
                if sink.held() + read as u64 > MAX_CHART {
                    let what = format!("{line}: the package");
                    return Err(http::HttpError::TooLarge { what, limit: MAX_CHART }.into());
                }
                sink.write(&buffer[..read]).map_err(kept)?;
            }
            match told {
                Some(told) if told != sink.held() => {
                    let how = format!("{} of {told} bytes came", sink.held());
                    Err(http::HttpError::Protocol { request: line, how }.into())
                }
                _ => Ok(()),
            }
        })
    }

    /// How many bytes a package has, by a HEAD request. `None` if the server does not tell.
    pub fn package_size(&self, url: &str) -> Result<Option<u64>, RepositoryError> {
        let target = self.target(url)?;
        let _visit = self.hosts.visit(target.location.origin());
        let request = HttpRequest { method: "HEAD", ..target.request(Vec::new()) };
        self.transport.retrying(|_| {
            let response = self.send(&request)?;
            match response.status {
                200 => Ok(response.content_length()),
                _ => Err(self.refused(response)),
            }
        })
    }

    /// The provenance file beside a package: `.prov` behind the path, before any query. `None` if there is none.
    pub fn provenance(&self, url: &str) -> Result<Option<Vec<u8>>, RepositoryError> {
        let mut target = self.target(url)?;
        let beside = target.location.with_suffix(".prov");
        target.location = beside.map_err(|source| RepositoryError::Address { source })?;
        let _visit = self.hosts.visit(target.location.origin());
        let request = target.request(Vec::new());
        let found = self.transport.retrying(|_| {
            let mut response = self.send(&request)?;
            match response.status {
                200 => Ok(Some(response.read(MAX_PROVENANCE, "the provenance file")?)),
                _ => Err(self.refused(response)),
            }
        });
        match found {
            Err(error) if error.is_absent() => Ok(None),
            found => found,
        }
    }
}
