//! The repositories that a command copies from and to, and their tags.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use super::error::CopyError;
use crate::limits::{Budget, HeldBudget, OverBudget};
use crate::reference::{Host, Reference, Repository, Tag};
use crate::registry::{self, Client, ErrorCode, RepositoryClient};
use crate::threads::locked;

/// How many bytes of memory a tag takes besides its text.
const TAG: u64 = 64;
/// How many repositories are remembered that no copy is using.
const REMEMBERED: usize = 64;
/// The least number of tags for which the list of tags is requested instead of each tag.
const WORTH_A_LIST: usize = 3;

type Name = (Host, Repository);

/// The repositories on one side of a copy: its sources, or its destinations.
pub(in crate::verbs) struct CopyPlaces<'a> {
    client: Client,
    budget: &'a Budget,
    is_destination: bool,
    places: Mutex<HashMap<Name, Arc<CopyPlace<'a>>>>,
    /// How many charts are announced for each.
    expected: HashMap<Name, usize>,
}

/// One repository.
pub(in crate::verbs) struct CopyPlace<'a> {
    pub(in crate::verbs) client: RepositoryClient,
    pub(in crate::verbs) host: Host,
    pub(in crate::verbs) repository: Repository,
    budget: &'a Budget,
    is_destination: bool,
    tags: OnceLock<Option<TagList<'a>>>,
    /// Whether to request the list of tags before any single one.
    lists_first: AtomicBool,
    /// Whether the registry has refused to mount a blob from another repository.
    pub(in crate::verbs) never_mounts: AtomicBool,
}

/// All tags of a repository.
struct TagList<'a> {
    tags: HashSet<Tag>,
    _held: HeldBudget<'a>,
}

impl<'a> CopyPlaces<'a> {
    pub(in crate::verbs) fn new(client: &Client, budget: &'a Budget, is_destination: bool) -> Self {
        let (places, expected) = (Mutex::default(), HashMap::new());
        Self { client: client.clone(), budget, is_destination, places, expected }
    }

    /// Announces charts, and counts how many there are for each repository.
    pub(in crate::verbs) fn expect(&mut self, references: impl Iterator<Item: Borrow<Reference>>) {
        for reference in references {
            *self.expected.entry(name(reference.borrow())).or_default() += 1;
        }
        for (name, place) in locked(&self.places).iter() {
            place.lists_first.store(self.is_worth_a_list(name), Ordering::Relaxed);
        }
    }

    fn is_worth_a_list(&self, name: &Name) -> bool {
        self.expected.get(name).is_some_and(|count| *count >= WORTH_A_LIST)
    }

    /// The repository of a reference. All threads that use it at the same time get the same one.
    pub(in crate::verbs) fn at(
        &self,
        reference: &Reference,
    ) -> Result<Arc<CopyPlace<'a>>, registry::RegistryError> {
        let mut places = locked(&self.places);
        let name = name(reference);
        if let Some(place) = places.get(&name) {
            return Ok(Arc::clone(place));
        }
        if places.len() >= REMEMBERED {
            places.retain(|_, place| Arc::strong_count(place) > 1);
        }
        let client = self.client.repository(&reference.host, &reference.repository)?;
        let place = Arc::new(CopyPlace {
            client: if self.is_destination { client.for_push() } else { client },
            host: reference.host.clone(),
            repository: reference.repository.clone(),
            budget: self.budget,
            is_destination: self.is_destination,
            tags: OnceLock::new(),
            lists_first: AtomicBool::new(self.is_worth_a_list(&name)),
            never_mounts: AtomicBool::new(false),
        });
        places.insert(name, Arc::clone(&place));
        Ok(place)
    }
}

fn name(reference: &Reference) -> Name {
    (reference.host.clone(), reference.repository.clone())
}

impl<'a> CopyPlace<'a> {
    /// Whether the repository may have a tag, by its list of tags, which is requested once. `true` if there is no such
    /// list.
    pub(in crate::verbs) fn may_have(&self, tag: &Tag) -> bool {
        match self.tags.get_or_init(|| self.list()) {
            Some(list) => list.tags.contains(tag),
            None => true,
        }
    }

    /// Whether the repository may have a tag, by its list if that is there or worth a request. Otherwise `true`, and
    /// the caller asks for the tag itself.
    pub(in crate::verbs) fn may_have_this(&self, tag: &Tag) -> bool {
        (!self.lists_first.load(Ordering::Relaxed) && self.tags.get().is_none()) || self.may_have(tag)
    }

    /// All tags of the repository, in bytewise order.
    pub(in crate::verbs) fn tags(&self) -> Result<Vec<Tag>, CopyError> {
        if self.tags.get().is_none_or(Option::is_none) {
            // If another thread has set the list first, it is the same.
            let _ = self.tags.set(Some(self.listed()?));
        }
        let tags = self.tags.get().and_then(Option::as_ref).map(|list| &list.tags);
        let mut tags: Vec<_> = tags.ok_or(OverBudget)?.iter().cloned().collect();
        tags.sort();
        Ok(tags)
    }

    fn list(&self) -> Option<TagList<'a>> {
        match self.listed() {
            Ok(list) => Some(list),
            // The list only saves requests, so its failure is no error.
            Err(error) => {
                log::debug!("{error}; asking for each tag");
                None
            }
        }
    }

    fn listed(&self) -> Result<TagList<'a>, CopyError> {
        let mut held = self.budget.hold(0)?;
        let (mut tags, mut is_over) = (HashSet::new(), false);
        let listed = self.client.each_tag(&mut |tag| {
            is_over |= held.grow(tag.as_str().len() as u64 + TAG).is_err();
            if !is_over {
                tags.insert(tag);
            }
        });
        match listed {
            Ok(()) if is_over => Err(OverBudget.into()),
            Ok(()) => Ok(TagList { tags, _held: held }),
            // Nothing was ever pushed to this repository.
            Err(error) if self.is_destination && error.has_code(&ErrorCode::NameUnknown) => {
                Ok(TagList { tags, _held: held })
            }
            Err(error) => Err(error.into()),
        }
    }
}
