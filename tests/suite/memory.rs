//! The memory of a command grows neither with the chart nor with the lists of a registry or a cache: everything streams.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use oci::limits::MEMORY;

use crate::common::mock::{Mock, on};
use crate::common::stopwatch::measured;
use crate::common::{EmbeddedRegistry, Home};

const MIB: usize = 1 << 20;

/// A chart of so many MiB, in files as large as Helm allows, of text that packs about as well as YAML does.
fn write_chart(directory: &Path, mebibytes: usize) {
    fs::create_dir_all(directory).unwrap();
    fs::write(directory.join("Chart.yaml"), "apiVersion: v2\nname: sized\nversion: 1.0.0\n").unwrap();
    let (mut state, mut block) = (2700_u64, String::new());
    while block.len() < 64 << 10 {
        // Knuth's multiplier for 64 bits.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        writeln!(block, "    key-{}: value-{:x}", state >> 56, state >> 32).unwrap();
    }
    // Deflate looks back 32 KiB, and so does not see that it comes again and again.
    let file = block.repeat(3 * MIB / block.len());
    for number in 0..mebibytes * MIB / file.len() {
        fs::write(directory.join(format!("{number:02}.yaml")), &file).unwrap();
    }
}

#[test]
fn no_command_needs_more_for_a_large_chart_than_for_a_small_one() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let mirror = EmbeddedRegistry::start(&home, ["--data", "mirror"]);
    let peak = |command: &str, home: &Home, args: &[&str]| {
        let (output, peak) = measured(home, command, args);
        output.succeeds();
        peak
    };
    let mut peaks: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    // So that an image is found.
    home.write("lock/Chart.yaml", "apiVersion: v2\nname: lock\nversion: 1.0.0\n");
    home.write("lock/Images.lock", "images: [{image: busybox}]\n");
    for mebibytes in [9, 90] {
        let other = Home::new();
        let (directory, reference) =
            (format!("chart-{mebibytes}"), format!("{}/a:{mebibytes}", registry.address()));
        let copy = format!("{}/a:{mebibytes}", mirror.address());
        let (third, inside) = (Home::new(), format!("oci://{}/inside", mirror.address()));
        write_chart(&home.path().join(&directory), mebibytes);
        for (command, home, args) in [
            ("helm-chart-save", &home, vec![directory.as_str(), &reference]),
            ("helm-chart-push", &home, vec![&reference]),
            ("helm-chart-pull", &other, vec![&reference]),
            ("helm-chart-export", &other, vec![&reference]),
            ("helm-chart-copy", &other, vec![&reference, &copy]),
            ("helm-chart-bundle", &home, vec![&reference, "-o", "cached.tar"]),
            ("helm-chart-bundle", &third, vec![&reference, "-o", "fetched.tar"]),
            ("helm-chart-load", &third, vec!["fetched.tar"]),
            ("helm-chart-load", &third, vec!["fetched.tar", "--to", &inside]),
            ("helm-chart-show", &other, vec!["all", &reference]),
            ("helm-chart-images", &home, vec!["-q", directory.as_str(), "lock"]),
            ("helm-chart-diff", &other, vec!["--offline", &reference, &reference]),
        ] {
            peaks.entry(command).or_default().push(peak(command, home, &args));
        }
    }
    for (command, peaks) in peaks {
        // Several ways of one command come one behind the other.
        let (small, large) = peaks.split_at(peaks.len() / 2);
        let [small, large] = [small, large].map(|peaks| *peaks.iter().max().unwrap());
        assert!(large <= 16 * MIB, "{command}: {large} bytes for 90 MiB");
        // Threads come and go a little differently each time.
        assert!(large <= small + MIB, "{command}: {large} bytes for 90 MiB, {small} for 9 MiB");
    }
}

/// A registry with 64 repositories of 5,000 tags below `many`, and 100,000 tags in every other repository.
fn registry_of_many_tags() -> Mock {
    let page = |count: usize| {
        let tags: Vec<_> = (0..count).map(|number| format!("1.{}.{}", number / 100, number % 100)).collect();
        serde_json::json!({ "name": "x", "tags": tags }).to_string().into_bytes()
    };
    let (few, many) = (page(5_000), page(100_000));
    let names: Vec<_> = (0..64).map(|number| format!("many/chart-{number}")).collect();
    let catalog = serde_json::json!({ "repositories": names }).to_string().into_bytes();
    Mock::serve(move |request| {
        let json = [("Content-Type", "application/json")];
        let step = on(&request.line);
        match request.line.strip_prefix("GET /v2/").unwrap_or_default() {
            "_catalog" => step.answer(200, &json, &catalog),
            "many/tags/list" => step.answer(404, &json, b"{}"),
            tags if tags.starts_with("many/") && tags.ends_with("/tags/list") => {
                step.answer(200, &json, &few)
            }
            tags if tags.ends_with("/tags/list") => step.answer(200, &json, &many),
            _ => step.answer(404, &json, b"{}"),
        }
    })
}

#[test]
fn the_lists_of_a_registry_take_no_more_memory_than_a_page() {
    let registry = registry_of_many_tags();
    let host = registry.host();
    let home = Home::new();
    for (place, count) in [("many", 320_000), ("one/chart", 100_000)] {
        let url = format!("chart-cache://{host}/{place}/index.yaml");
        let (run, peak) = measured(&home, "helm-chart-get", &["", "", "", &url]);
        assert_eq!(run.stdout.matches("\n    version: ").count(), count, "{}", run.stderr);
        assert!(peak as u64 <= MEMORY, "{place}: {peak} bytes");
    }
    let chart = format!("{host}/one/chart");
    let (run, peak) = measured(&home, "helm-chart-versions", &["-q", "--latest", "3", &chart]);
    assert_eq!(run.succeeds().stdout.lines().count(), 3);
    assert!(peak as u64 <= MEMORY, "{peak} bytes");
    let (run, peak) = measured(&home, "helm-chart-pull", &["--version", "~1.5", &chart]);
    assert!(run.stderr.contains("/manifests/1.5.99: "), "{run}");
    assert!(peak as u64 <= MEMORY / 2, "{peak} bytes");
}

#[test]
fn the_list_of_a_cache_takes_no_more_memory_than_its_references() {
    let home = Home::new();
    write_chart(&home.path().join("chart"), 3);
    home.command("helm-chart-save").args(["chart", "localhost:5000/a/chart:0"]).run().succeeds();
    let tags = home.path().join(".helm/registry/refs/localhost_5000/a/chart/tags");
    let entry = tags.join(fs::read_link(tags.join("0")).unwrap());
    let links: Vec<_> = fs::read_dir(entry).unwrap().map(|link| link.unwrap().path()).collect();
    let mut peaks: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut count = 1;
    for wanted in [300, 3_000] {
        while count < wanted {
            let name = format!(".{count}.copy");
            fs::create_dir(tags.join(&name)).unwrap();
            for link in &links {
                let to = tags.join(&name).join(link.file_name().unwrap());
                symlink(fs::read_link(link).unwrap(), to).unwrap();
            }
            symlink(&name, tags.join(count.to_string())).unwrap();
            count += 1;
        }
        for (form, args) in [
            ("table", &[][..]),
            ("references", &["-q"]),
            ("json", &["-o", "json"]),
            ("yaml", &["-o", "yaml"]),
        ] {
            let (run, peak) = measured(&home, "helm-chart-list", args);
            let found = run.stdout.matches("localhost:5000/a/chart:").count();
            assert_eq!(found, wanted, "{form}: {}", run.stderr);
            peaks.entry(form).or_default().push(peak);
        }
    }
    for (form, peaks) in peaks {
        let [few, many] = peaks[..] else { panic!("{form}: {peaks:?}") };
        // Some 2 KiB for each of 2,700: an entry, and its row of a table.
        assert!(many <= few + 6 * MIB, "{form}: {few} bytes for 300, {many} for 3,000");
    }
}
