//! Tests that names in an open directory are opened as what they are, and that links are not followed.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::*;

/// A directory to look into, and one outside to which links lead.
struct World {
    home: tempfile::TempDir,
    inside: Arc<Directory>,
}

impl World {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        for path in ["in/a/b/c", "out/b/c"] {
            fs::create_dir_all(home.path().join(path)).unwrap();
        }
        for path in ["in/a/b/file", "out/b/file"] {
            fs::write(home.path().join(path), "text").unwrap();
        }
        let inside = Arc::new(Directory::open_existing(home.path().join("in")).unwrap());
        Self { home, inside }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }
}

fn foreign<T: std::fmt::Debug>(result: Result<T, PathError>) -> (PathBuf, Foreign) {
    let error = result.unwrap_err();
    (error.path.clone(), *Foreign::in_error(&error).unwrap())
}

#[test]
fn what_is_below_is_opened_and_what_is_not_there_is_not() {
    let world = World::new();
    for path in ["a", "a/b", "a/b/c"] {
        let found = world.inside.below(path).unwrap().unwrap();
        assert_eq!(found.path(), world.path("in").join(path));
    }
    for path in ["x", "x/y", "a/x", "a/b/c/x"] {
        assert!(world.inside.below(path).unwrap().is_none(), "{path}");
    }
}

#[test]
fn no_step_follows_a_link() {
    let world = World::new();
    let wanted = FileKind::Directory;
    let link = Foreign { found: FileKind::Link, wanted };
    for (at, target) in [("in/x", "../out"), ("in/a/x", "b"), ("in/loop", "loop"), ("in/dangling", "nowhere")]
    {
        symlink(target, world.path(at)).unwrap();
    }
    for (path, at) in [
        ("x", "in/x"),
        ("x/b", "in/x"),
        ("x/b/c", "in/x"),
        ("a/x", "in/a/x"),
        ("a/x/c", "in/a/x"),
        ("loop/b", "in/loop"),
        ("dangling/b", "in/dangling"),
    ] {
        assert_eq!(foreign(world.inside.below(path)), (world.path(at), link), "{path}");
        let mut unsynced = Unsynced::default();
        assert_eq!(foreign(world.inside.make(path, &mut unsynced)), (world.path(at), link), "{path}");
    }
    let file = Foreign { found: FileKind::File, wanted };
    assert_eq!(foreign(world.inside.below("a/b/file/c")), (world.path("in/a/b/file"), file));
    assert_eq!(fs::read_dir(world.path("out/b")).unwrap().count(), 2);
}

#[test]
fn a_name_leads_to_nowhere_else() {
    let world = World::new();
    for name in ["", ".", "..", "a/../..", "../out", "/", "/etc", "a/./../../out"] {
        assert!(world.inside.below(name).is_err(), "{name:?}");
        assert!(world.inside.file(name).is_err(), "{name:?}");
        assert!(world.inside.link(name).is_err(), "{name:?}");
    }
    assert!(world.inside.file("a/b").is_err());
}

#[test]
fn only_a_file_is_a_file() {
    let world = World::new();
    let directory = Arc::new(world.inside.below("a/b").unwrap().unwrap());
    let at = |name: &str| world.path("in/a/b").join(name);
    symlink("file", at("link")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    rustix::fs::mknodat(&directory, "fifo", rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert_eq!(directory.file("file").unwrap().unwrap().1, 4);
    assert!(directory.file("absent").unwrap().is_none());
    for (name, found) in [
        ("link", FileKind::Link),
        ("dangling", FileKind::Link),
        ("fifo", FileKind::Fifo),
        ("c", FileKind::Directory),
    ] {
        let expected = (at(name), Foreign { found, wanted: FileKind::File });
        assert_eq!(foreign(directory.file(name)), expected);
        assert_eq!(foreign(directory.open_or_create(name, "lock")), expected);
        assert!(
            left_behind(&directory, OsStr::new(name)).is_none() || found == FileKind::Directory,
            "{name}"
        );
    }
    assert!(!at("nowhere").exists());
    assert!(directory.create("link").is_err() && directory.create("dangling").is_err());
}

#[test]
fn what_is_removed_is_the_name() {
    let world = World::new();
    symlink("../out", world.path("in/x")).unwrap();
    symlink("../../out/b/file", world.path("in/a/x")).unwrap();
    for name in ["x", "a", "absent"] {
        world.inside.remove_all(name).unwrap();
    }
    assert_eq!(fs::read_dir(world.path("in")).unwrap().count(), 0);
    assert_eq!(fs::read(world.path("out/b/file")).unwrap(), b"text");
    // Removal stops at a limit of depth.
    let deep = vec!["d"; 100].join("/");
    fs::create_dir_all(world.path("in").join(deep)).unwrap();
    let error = world.inside.remove_all("d").unwrap_err();
    assert_eq!(error.source.to_string(), "it is nested too deeply");
}

#[test]
fn what_is_replaced_goes_whatever_it_was() {
    let world = World::new();
    let (from, to) = (OsStr::new("new"), OsStr::new("to"));
    for found in [FileKind::File, FileKind::Link, FileKind::Directory] {
        fs::write(world.path("in/new"), "new").unwrap();
        match found {
            FileKind::Link => symlink("../../out/b/file", world.path("in/a/to")).unwrap(),
            FileKind::Directory => fs::create_dir_all(world.path("in/a/to/full")).unwrap(),
            _ => fs::write(world.path("in/a/to"), "old").unwrap(),
        }
        let directory = world.inside.below("a").unwrap().unwrap();
        world.inside.rename_over(from, &directory, to).unwrap();
        assert_eq!(fs::read(world.path("in/a/to")).unwrap(), b"new", "{found}");
        assert!(!world.path("in/new").exists(), "{found}");
        directory.remove_all(to).unwrap();
    }
    assert_eq!(fs::read(world.path("out/b/file")).unwrap(), b"text");
}

#[test]
fn a_directory_has_the_time_that_it_is_given() {
    let world = World::new();
    let then = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
    world.inside.set_time(then).unwrap();
    assert_eq!(world.inside.time().unwrap(), then);
    assert_eq!(fs::metadata(world.path("in")).unwrap().modified().unwrap(), then);
}

#[test]
fn some_names_are_not_many_more_than_asked_for() {
    let world = World::new();
    for number in 0..500 {
        fs::write(world.path(&format!("out/{number}")), "").unwrap();
    }
    let mut outside = Directory::open_existing(world.path("out")).unwrap();
    assert_eq!(outside.some_names(7).unwrap().len(), 7);
    // Reading names again starts at the beginning.
    assert_eq!(outside.names().unwrap().len(), 501);
}

#[test]
fn where_nothing_is_nothing_is_opened() {
    let world = World::new();
    assert!(Directory::open(world.path("absent")).unwrap().is_none());
    assert_eq!(
        Directory::open(world.path("in/a/b/file/x")).unwrap_err().source.kind(),
        io::ErrorKind::NotADirectory
    );
    symlink("out", world.path("link")).unwrap();
    // The path that the user has given may be a link.
    assert!(Directory::open(world.path("link")).unwrap().unwrap().below(Path::new("b/c")).unwrap().is_some());
}
