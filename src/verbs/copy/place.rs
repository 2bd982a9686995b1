//! The repositories that a command copies from and to, and which tags they have.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};

use crate::limits::{Budget, Held};
use crate::reference::{Host, Reference, Repository, Tag};
use crate::registry::{self, Client, ErrorCode, RepositoryClient};
use crate::threads::locked;

/// What a tag takes in memory beside its characters, in bytes.
const TAG: u64 = 64;
/// So many repositories are remembered that no copy is at work on.
const REMEMBERED: usize = 64;
/// For fewer tags than this, a repository is rather asked for each than for all of them.
const WORTH_A_LIST: usize = 3;

type Name = (Host, Repository);

/// The repositories of one side.
pub(super) struct Places<'a> {
    client: Client,
    budget: &'a Budget,
    is_destination: bool,
    places: Mutex<HashMap<Name, Arc<Place<'a>>>>,
    /// How many charts go to each.
    expected: HashMap<Name, usize>,
}

/// One repository.
pub(super) struct Place<'a> {
    pub(super) client: RepositoryClient,
    pub(super) host: Host,
    pub(super) repository: Repository,
    budget: &'a Budget,
    is_destination: bool,
    tags: OnceLock<Option<TagList<'a>>>,
    /// Whether the list of tags is asked for before a single one is.
    lists_first: bool,
    /// Whether its registry has refused to take a blob over from another repository.
    pub(super) never_mounts: AtomicBool,
}

/// All tags of a repository.
struct TagList<'a> {
    tags: HashSet<Tag>,
    _held: Held<'a>,
}

impl<'a> Places<'a> {
    pub(super) fn new(client: &Client, budget: &'a Budget, is_destination: bool) -> Self {
        let (places, expected) = (Mutex::default(), HashMap::new());
        Self { client: client.clone(), budget, is_destination, places, expected }
    }

    /// Notes how many charts go to each repository.
    pub(super) fn expect<'r>(&mut self, references: impl Iterator<Item = &'r Reference>) {
        for reference in references {
            *self.expected.entry(name(reference)).or_default() += 1;
        }
    }

    /// The repository of a reference, the same one for all that ask meanwhile.
    pub(super) fn at(&self, reference: &Reference) -> Result<Arc<Place<'a>>, registry::Error> {
        let mut places = locked(&self.places);
        let name = name(reference);
        if let Some(place) = places.get(&name) {
            return Ok(Arc::clone(place));
        }
        if places.len() >= REMEMBERED {
            places.retain(|_, place| Arc::strong_count(place) > 1);
        }
        let client = self.client.repository(&reference.host, &reference.repository)?;
        let place = Arc::new(Place {
            client: if self.is_destination { client.for_push() } else { client },
            host: reference.host.clone(),
            repository: reference.repository.clone(),
            budget: self.budget,
            is_destination: self.is_destination,
            tags: OnceLock::new(),
            lists_first: self.expected.get(&name).is_some_and(|count| *count >= WORTH_A_LIST),
            never_mounts: AtomicBool::new(false),
        });
        places.insert(name, Arc::clone(&place));
        Ok(place)
    }
}

fn name(reference: &Reference) -> Name {
    (reference.host.clone(), reference.repository.clone())
}

impl<'a> Place<'a> {
    /// Whether the repository may have a tag: by its list of tags, for which it is asked once. Where there is no such list,
    /// it may have any.
    pub(super) fn may_have(&self, tag: &Tag) -> bool {
        match self.tags.get_or_init(|| self.list()) {
            Some(list) => list.tags.contains(tag),
            None => true,
        }
    }

    /// The same for who would rather ask for that tag alone, unless the list is there or is worth it.
    pub(super) fn may_have_this(&self, tag: &Tag) -> bool {
        (!self.lists_first && self.tags.get().is_none()) || self.may_have(tag)
    }

    fn list(&self) -> Option<TagList<'a>> {
        let mut held = self.budget.hold(0).ok()?;
        let (mut tags, mut is_over) = (HashSet::new(), false);
        let listed = self.client.each_tag(&mut |tag| {
            is_over |= held.grow(tag.as_str().len() as u64 + TAG).is_err();
            if !is_over {
                tags.insert(tag);
            }
        });
        match listed {
            Ok(()) if is_over => None,
            Ok(()) => Some(TagList { tags, _held: held }),
            // Nothing was ever put there.
            Err(error) if self.is_destination && error.has_code(&ErrorCode::NameUnknown) => {
                Some(TagList { tags, _held: held })
            }
            // Lists only save requests.
            Err(error) => {
                log::debug!("{error}; asking for each tag");
                None
            }
        }
    }
}
