//! A new version of a chart, where the old one is: what is in the cache is not fetched again.

use std::collections::BTreeMap;
use std::fs;
use std::sync::OnceLock;

use crate::common::counter::Counter;
use crate::common::mock::{Action, Mock, Recorded, Step, answer, on};
use crate::common::wire::{Artifact, get};
use crate::common::{DockerRegistry, EmbeddedRegistry, Home, files};
use oci::digest::Digest;

/// Writes a chart whose content does not compress to less than a hundred kilobytes.
fn write_chart(home: &Home, version: &str, description: &str, salt: u32) {
    let noise: String =
        (0..4096_u32).map(|n| Digest::of(&(n ^ salt).to_le_bytes()).hex().to_owned()).collect();
    home.write(
        "mychart/Chart.yaml",
        format!("apiVersion: v2\nname: mychart\nversion: {version}\ndescription: {description}\n"),
    );
    home.write("mychart/values.yaml", "a: 1\n");
    home.write("mychart/files/noise", noise);
}

fn publish(home: &Home, reference: &str) {
    home.command("helm-chart-save").args(["-q", "mychart", reference]).run().succeeds();
    home.command("helm-chart-push").args(["-q", reference]).run().succeeds();
}

fn pull(home: &Home, reference: &str) {
    let pulled = home.command("helm-chart-pull").args([reference]).run();
    let status = format!("Status: Downloaded newer chart for {reference}\n");
    assert!(pulled.succeeds().stdout.contains(&status), "{pulled}");
}

/// The entry of a reference is the same in both caches, and nothing half done lies about.
fn assert_same(publisher: &Home, consumer: &Home, reference: &str) {
    for name in ["content", "meta", "manifest", "config"] {
        assert_eq!(consumer.linked(reference, name), publisher.linked(reference, name), "{name}");
    }
    assert_eq!(files(&consumer.cache().join("tmp")), BTreeMap::new());
    // Every blob is what its name says.
    consumer.blobs();
    let exported = |home: &Home| {
        home.command("helm-chart-export").args([reference, "-d", "out", "--force"]).run().succeeds();
        files(&home.path().join("out"))
    };
    assert_eq!(exported(consumer), exported(publisher));
}

fn only_the_head_comes(address: &str) {
    let counter = Counter::start(address);
    let (publisher, consumer) = (Home::new(), Home::new());
    let reference = |tag: &str| format!("{}/a/mychart:{tag}", counter.host());
    write_chart(&publisher, "1.0.0", "the first", 0);
    publish(&publisher, &reference("1.0.0"));
    counter.take();
    pull(&consumer, &reference("1.0.0"));
    let (requests, whole) = counter.take();
    assert_eq!(requests.len(), 3, "{requests:?}");
    assert!(whole > 140_000, "{whole}");

    // Another version, and then another chart under the same tag.
    for (version, description) in [("1.1.0", "the second"), ("1.1.0", "the third, with more to say")] {
        write_chart(&publisher, version, description, 0);
        publish(&publisher, &reference(version));
        counter.take();
        pull(&consumer, &reference(version));
        let (requests, fetched) = counter.take();
        assert_eq!(requests.len(), 3, "{requests:?}");
        assert!(fetched * 20 < whole, "{fetched} bytes of {whole}: {requests:?}");
        assert_same(&publisher, &consumer, &reference(version));
    }
    // Where the content is another one, all of it comes, in one request more at most.
    write_chart(&publisher, "2.0.0", "the second", 1 << 20);
    publish(&publisher, &reference("2.0.0"));
    counter.take();
    pull(&consumer, &reference("2.0.0"));
    let (requests, fetched) = counter.take();
    assert!((3..=4).contains(&requests.len()), "{requests:?}");
    assert!(fetched.abs_diff(whole) < 4096, "{fetched} bytes, {whole} before");
    assert_same(&publisher, &consumer, &reference("2.0.0"));
}

#[test]
fn only_the_head_comes_where_the_content_is_here() {
    let home = Home::new();
    let embedded = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    only_the_head_comes(embedded.address());
    if let Some(registry) = DockerRegistry::start() {
        only_the_head_comes(registry.address());
    }
}

/// Two versions as they are on the wire. The second differs in its Chart.yaml alone.
fn versions() -> &'static [Artifact; 2] {
    static VERSIONS: OnceLock<[Artifact; 2]> = OnceLock::new();
    VERSIONS.get_or_init(made)
}

fn made() -> [Artifact; 2] {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    ["1.0.0", "1.1.0"].map(|version| {
        write_chart(&home, version, "a chart", 0);
        publish(&home, &format!("{}/a:{version}", registry.address()));
        let manifest = get(registry.address(), &format!("a/manifests/{version}"));
        let parsed: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        let blob = |at: &serde_json::Value| {
            get(registry.address(), &format!("a/blobs/{}", at["digest"].as_str().unwrap()))
        };
        let (config, layer) = (blob(&parsed["config"]), blob(&parsed["layers"][0]));
        Artifact::new(manifest, &[&config, &layer])
    })
}

/// A registry with both versions, which answers as `odd` does where the layer of the second is asked for.
fn registry(odd: impl Fn(&Recorded, &[u8]) -> Vec<u8> + Send + Sync + 'static) -> Mock {
    let [first, second] = versions();
    let layer = second.layer().to_vec();
    let path = Artifact::path_of(&layer);
    let mut answers = BTreeMap::new();
    for (tag, artifact) in [("1.0.0", first), ("1.1.0", second)] {
        for (path, bytes) in artifact.answers() {
            answers.insert(path.replace("manifests/1.0", &format!("manifests/{tag}")), bytes);
        }
    }
    Mock::serve(move |request: &Recorded| -> Step {
        let asked = request.line.split_once(' ').unwrap().1;
        let bytes = if asked == path { odd(request, &layer) } else { answers[asked].clone() };
        on(&request.line).then(Action::Send(bytes))
    })
}

/// The bytes that `Range` asks for.
fn range(request: &Recorded, layer: &[u8]) -> Option<(usize, usize)> {
    let (first, last) = request.header("range")?.strip_prefix("bytes=")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().unwrap_or(layer.len() - 1)))
}

fn part(layer: &[u8], first: usize, last: usize) -> Vec<u8> {
    let part = format!("bytes {first}-{last}/{}", layer.len());
    answer(206, &[("Content-Range", &part)], &layer[first..=last], false)
}

/// Pulls both versions, and returns how the layer of the second was asked for.
fn update(home: &Home, mock: &Mock) -> Vec<String> {
    pull(home, &format!("{}/a:1.0.0", mock.host()));
    let before = mock.requests().len();
    pull(home, &format!("{}/a:1.1.0", mock.host()));
    assert_eq!(
        home.linked(&format!("{}/a:1.1.0", mock.host()), "content"),
        home.linked(&format!("{}/a:1.0.0", mock.host()), "content")
    );
    assert_eq!(files(&home.cache().join("tmp")), BTreeMap::new());
    home.blobs();
    let ranges = mock.requests().split_off(before);
    let [first, second] = [format!("{}/a:1.0.0", mock.host()), format!("{}/a:1.1.0", mock.host())];
    assert_ne!(home.linked(&first, "manifest"), home.linked(&second, "manifest"));
    let of_layer = ranges
        .iter()
        .skip(1)
        .filter(|request| !request.line.ends_with(home.linked(&second, "config").as_str()));
    of_layer.map(|request| request.header("range").unwrap_or("all of it").to_owned()).collect()
}

#[test]
fn the_head_is_asked_for_by_its_length() {
    let mock = registry(|request, layer| {
        let (first, last) = range(request, layer).unwrap();
        part(layer, first, last)
    });
    // A tar header and a block of text, in a stored member.
    assert_eq!(update(&Home::new(), &mock), ["bytes=0-1046"]);
}

#[test]
fn registries_without_ranges_serve_all_of_it() {
    let mock = registry(|_, layer| answer(200, &[], layer, false));
    assert_eq!(update(&Home::new(), &mock), ["bytes=0-1046"]);
}

#[test]
fn mistaken_ranges_are_asked_for_no_more() {
    type Odd = fn(&[u8]) -> Vec<u8>;
    let odd: [(&str, Odd); 6] = [
        ("another part", |layer| part(layer, 1, 1047)),
        ("more than asked for", |layer| part(layer, 0, 2000)),
        ("less than asked for", |layer| part(layer, 0, 1000)),
        ("part of something else", |layer| {
            answer(206, &[("Content-Range", "bytes 0-1046/9999999")], &layer[..1047], false)
        }),
        ("not satisfiable", |_| answer(416, &[], b"", false)),
        ("not implemented", |_| answer(501, &[], b"", false)),
    ];
    for (name, odd) in odd {
        let mock = registry(move |request, layer| match range(request, layer) {
            Some((0, _)) => odd(layer),
            _ => answer(200, &[], layer, false),
        });
        assert_eq!(update(&Home::new(), &mock), ["bytes=0-1046", "all of it"], "{name}");
    }
}

#[test]
fn wrong_bytes_in_the_head_are_noticed() {
    // A byte of Chart.yaml, and then one of the gzip header.
    for at in [600, 0] {
        let mock = registry(move |request, layer| {
            let mut wrong = layer.to_vec();
            wrong[at] ^= 1;
            match range(request, layer) {
                Some((0, last)) => part(&wrong, 0, last),
                Some((first, last)) => part(layer, first, last),
                None => answer(200, &[], layer, false),
            }
        });
        assert_eq!(update(&Home::new(), &mock), ["bytes=0-1046", "bytes=1047-", "all of it"], "{at}");
    }
    // A registry that never has the right ones.
    let mock = registry(|request, layer| {
        let mut wrong = layer.to_vec();
        wrong[600] ^= 1;
        match range(request, layer) {
            Some((first, last)) => part(&wrong, first, last),
            None => answer(200, &[], &wrong, false),
        }
    });
    let home = Home::new();
    pull(&home, &format!("{}/a:1.0.0", mock.host()));
    let before = home.blobs();
    home.command("helm-chart-pull").args([format!("{}/a:1.1.0", mock.host())]).run().fails(7);
    assert_eq!(home.blobs(), before);
}

#[test]
fn what_is_damaged_here_is_fetched() {
    let mock = registry(|request, layer| {
        let (first, last) = range(request, layer).unwrap();
        part(layer, first, last)
    });
    let home = Home::new();
    let first = format!("{}/a:1.0.0", mock.host());
    pull(&home, &first);
    home.damage(&home.blob(&first, "content"));
    // The second version brings the content again, and heals the first. No byte comes twice.
    assert_eq!(update_of_damaged(&home, &mock), ["bytes=0-1046", "bytes=1047-"]);
}

fn update_of_damaged(home: &Home, mock: &Mock) -> Vec<String> {
    let before = mock.requests().len();
    pull(home, &format!("{}/a:1.1.0", mock.host()));
    home.blobs();
    let requests = mock.requests().split_off(before);
    requests.iter().filter_map(|request| request.header("range")).map(str::to_owned).collect()
}

/// What was interrupted before is gone on with, as ever.
#[test]
fn a_download_that_was_begun_is_gone_on_with() {
    let mock = registry(|request, layer| {
        let (first, last) = range(request, layer).unwrap();
        part(layer, first, last)
    });
    let home = Home::new();
    pull(&home, &format!("{}/a:1.0.0", mock.host()));
    let [_, second] = versions();
    let partial = format!("sha256-{}.partial", Digest::of(second.layer()).hex());
    fs::create_dir_all(home.cache().join("tmp")).unwrap();
    fs::write(home.cache().join("tmp").join(partial), &second.layer()[..5000]).unwrap();
    assert_eq!(update_of_damaged(&home, &mock), ["bytes=5000-"]);
}
