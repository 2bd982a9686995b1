//! Chooses plain HTTP or HTTPS for a registry: plain HTTP for this machine, and where the user asks for it.

use super::options::RegistryOptions;
use crate::reference::Host;

impl RegistryOptions {
    /// The scheme for a registry, `http` or `https`, by its host and the options. HTTP is never tried after HTTPS has
    /// failed: an attacker who can block port 443 must not get the request in plain text.
    pub(super) fn scheme(&self, host: &Host) -> &'static str {
        let plain = self.plain_http || (host.is_loopback() && !self.http.is_tls_asked_for());
        if plain { "http" } else { "https" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http;

    #[test]
    fn plain_http_is_for_loopback_or_for_who_asks() {
        let plain = RegistryOptions { plain_http: true, ..RegistryOptions::default() };
        let with = |http| RegistryOptions { http, ..RegistryOptions::default() };
        let insecure = with(http::HttpOptions { insecure: true, ..http::HttpOptions::default() });
        let ca = with(http::HttpOptions { ca_file: Some("ca.pem".into()), ..http::HttpOptions::default() });
        for (options, host, scheme) in [
            (&RegistryOptions::default(), "r.example", "https"),
            (&RegistryOptions::default(), "10.0.0.1:5000", "https"),
            (&RegistryOptions::default(), "localhost:5000", "http"),
            (&RegistryOptions::default(), "127.0.0.1", "http"),
            (&plain, "r.example", "http"),
            (&insecure, "localhost:5000", "https"),
            (&ca, "localhost:5000", "https"),
        ] {
            assert_eq!(options.scheme(&host.parse().unwrap()), scheme, "{host}");
        }
    }
}
