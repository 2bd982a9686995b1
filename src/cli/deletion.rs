//! Hints for registries that let no client delete a tag, but have an interface or program of their own for that.

use crate::reference::Reference;

/// How to delete a reference in such a registry, as a hint.
pub fn instead_of_deletion(reference: &Reference) -> String {
    let host = reference.host.as_str();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let repository = reference.repository.as_str();
    let what = match (&reference.tag, &reference.digest) {
        (Some(tag), _) => format!("{repository}:{tag}"),
        (None, Some(digest)) => format!("{repository}@{digest}"),
        (None, None) => repository.to_owned(),
    };
    let is = |domain: &str| name == domain || name.ends_with(&format!(".{domain}"));
    if is("amazonaws.com") || is("amazonaws.com.cn") {
        let id = match (&reference.tag, &reference.digest) {
            (Some(tag), _) => format!("imageTag={tag}"),
            (None, Some(digest)) => format!("imageDigest={digest}"),
            (None, None) => "imageTag=TAG".to_owned(),
        };
        return format!("aws ecr batch-delete-image --repository-name {repository} --image-ids {id}");
    }
    if is("azurecr.io") {
        let registry = name.split('.').next().unwrap_or(name);
        return format!("az acr repository untag --name {registry} --image {what}");
    }
    if is("pkg.dev") {
        return format!("gcloud artifacts docker tags delete {name}/{what}");
    }
    if is("docker.io") {
        return format!("the page of its tags does it: https://hub.docker.com/r/{repository}/tags");
    }
    if is("ghcr.io") {
        return "the page of its package on GitHub does it, or DELETE …/packages/container/…/versions/ID of GitHub's API"
            .to_owned();
    }
    if is("quay.io") {
        return format!("the page of its tags does it: https://quay.io/repository/{repository}?tab=tags");
    }
    "its own interface does it; docker's registry deletes with REGISTRY_STORAGE_DELETE_ENABLED=true"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_registry_has_its_own_way() {
        for (reference, expected) in [
            (
                "1.dkr.ecr.eu-west-1.amazonaws.com/charts/web:1.0.0",
                "aws ecr batch-delete-image --repository-name charts/web --image-ids imageTag=1.0.0",
            ),
            ("my.azurecr.io/web:1", "az acr repository untag --name my --image web:1"),
            (
                "europe-docker.pkg.dev/p/r/web:1",
                "gcloud artifacts docker tags delete europe-docker.pkg.dev/p/r/web:1",
            ),
            ("docker.io/me/web:1", "https://hub.docker.com/r/me/web/tags"),
            ("ghcr.io/me/web:1", "on GitHub"),
            ("quay.io/me/web:1", "https://quay.io/repository/me/web?tab=tags"),
            ("localhost:5000/web:1", "REGISTRY_STORAGE_DELETE_ENABLED=true"),
            ("notghcr.io/me/web:1", "its own interface"),
        ] {
            let said = instead_of_deletion(&reference.parse().unwrap());
            assert!(said.contains(expected), "{reference}: {said}");
        }
    }
}
