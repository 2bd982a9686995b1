//! The media types of charts in registries, for each generation of Helm (pkg/registry/constants.go in Helm 3.7 and
//! later, and what came before it).

/// An OCI image manifest. A chart in a registry has one.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An OCI image index, which lists several manifests.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Docker's manifest (schema 2). Registries may convert an OCI manifest to it.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker's manifest list, its counterpart of an index.
pub const DOCKER_MANIFEST_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// The config of a chart, its metadata as JSON. Helm writes this type since 3.0.0-alpha.2.
pub const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
/// A chart archive as Helm 3.7.0 and later write it, and as we write it.
pub const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// A provenance file (`.prov`) as Helm 3.7.0 and later write it.
pub const PROVENANCE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";

/// A chart archive as Helm 3.0.0-rc.1 to 3.6 wrote it.
pub const CHART_3_0: &str = "application/tar+gzip";
/// A chart archive as Helm 3.0.0-beta.1 to beta.5 wrote it. Helm 3.0.0-alpha.2 gave the content half of a chart this
/// type.
pub const CHART_BETA: &str = "application/vnd.cncf.helm.chart.content.layer.v1+tar";
/// The content half of a chart as Helm 3.0.0-alpha.1 wrote it.
pub const CONTENT_ALPHA_1: &str = "application/vnd.cncf.helm.chart.content.v1+tar";
/// The metadata half of a chart as Helm 3.0.0-alpha.1 wrote it.
pub const META_ALPHA_1: &str = "application/vnd.cncf.helm.chart.meta.v1+json";
/// The metadata half of a chart as Helm 3.0.0-alpha.2 wrote it.
pub const META_ALPHA_2: &str = "application/vnd.cncf.helm.chart.meta.layer.v1+json";

/// A media type without its parameters, in lower case (RFC 6838 4.2: names are case-insensitive).
pub fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
