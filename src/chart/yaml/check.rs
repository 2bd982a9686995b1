//! What a document would take to be built, found out by going through its events once. Aliases count as what they stand
//! for, and nothing of it is kept but what the anchors that have come stand for.

use std::collections::BTreeMap;

use super::event::{Event, Scalar, ScalarTag};
use super::events::Events;
use super::input::Input;
use super::problem::YamlError;
use super::resolve;
use super::value::YamlValue;

/// What a document may hold.
pub(super) struct Limits {
    /// Nodes: scalars, lists and maps, and of maps the keys as well.
    pub(super) values: usize,
    /// Text of scalars.
    pub(super) bytes: u64,
    /// Collections in collections.
    pub(super) depth: usize,
}

/// What a document holds.
#[derive(Debug)]
pub(super) struct Measure {
    /// What its root is called in a message.
    pub(super) kind: &'static str,
    values: usize,
    bytes: u64,
    /// Nodes that aliases stand for, and their text: a copy is kept of each.
    kept: (usize, u64),
    /// Of each anchor, whether there is an alias for it.
    wanted: Vec<bool>,
    /// How deep collections are nested.
    pub(super) depth: usize,
    /// There is a number or a key that JSON does not have. Whether Helm gets to see it, only the values tell.
    pub(super) doubtful: bool,
}

impl Measure {
    /// How much memory the values take, at most, in bytes.
    pub(super) fn memory(&self) -> u64 {
        // A list that grows has room for twice as much as is in it, and for a moment that which it had before. The allocator
        // needs something for each piece.
        const NODE: u64 = 3 * size_of::<(String, YamlValue)>() as u64 + 32;
        let (nodes, bytes) = (self.values + self.kept.0, self.bytes + self.kept.1);
        // Of base64 the bytes that are not UTF-8 become three each.
        nodes as u64 * NODE + bytes / 4 * 9 + bytes.min(8)
    }

    /// Whether there is an alias for the anchor of this number.
    pub(super) fn is_wanted(&self, anchor: usize) -> bool {
        self.wanted.get(anchor).copied().unwrap_or_default()
    }
}

/// So much of a document.
#[derive(Clone, Copy, Default)]
struct Amount {
    values: usize,
    bytes: u64,
    /// What go-yaml counts to find aliases that stand for too much: nodes, each alias and what it stands for.
    decoded: u64,
}

/// A node with an anchor.
enum Anchored {
    /// It has not ended: an alias in it would stand for itself.
    Open,
    Ended {
        amount: Amount,
        height: usize,
        shape: Shape,
        unfit: Unfit,
        /// Whether an alias stands for it.
        wanted: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Scalar,
    List,
    Map,
}

impl Shape {
    fn called(self) -> &'static str {
        match self {
            Self::Scalar => "a string",
            Self::List => "a list",
            Self::Map => "a map",
        }
    }
}

/// Where JSON does not have a scalar.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unfit {
    Nowhere,
    AsKey,
    AsValue,
}

impl Unfit {
    fn of(value: &YamlValue) -> Self {
        match value {
            YamlValue::Null | YamlValue::Uint(_) => Self::AsKey,
            YamlValue::Float(float) if !float.is_finite() => Self::AsValue,
            _ => Self::Nowhere,
        }
    }

    fn is_doubtful(self, role: Role) -> bool {
        self != Self::Nowhere && (self == Self::AsKey) == (role == Role::Key)
    }
}

/// What the next node is to the collection that it is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Entry,
    Key,
    Value,
    /// The value of `<<`: a map, or a list of maps.
    Merged,
    /// An entry of such a list.
    MergedEntry,
}

/// A collection that is open.
struct CheckedCollection {
    shape: Shape,
    next: Role,
    anchor: Option<usize>,
    before: Amount,
    /// How deep the deepest collection in it is.
    height: usize,
}

struct StructureCheck<'a, 'l> {
    events: Events<'a>,
    limits: &'l Limits,
    total: Amount,
    /// What is behind aliases, as go-yaml counts it.
    aliased: u64,
    open: Vec<CheckedCollection>,
    names: BTreeMap<&'a str, usize>,
    anchors: Vec<Anchored>,
    depth: usize,
    kind: Option<&'static str>,
    doubtful: bool,
    steps: u64,
}

/// Goes through the first document of a text.
pub(super) fn check(input: Input<'_>, limits: &Limits) -> Result<Measure, YamlError> {
    let mut check = StructureCheck::new(input, limits)?;
    check.run()?;
    let mut kept = (0, 0);
    let wanted = check.anchors.iter().map(|anchored| match anchored {
        Anchored::Ended { amount, wanted: true, .. } => {
            kept = (kept.0 + amount.values, kept.1 + amount.bytes);
            true
        }
        _ => false,
    });
    let wanted = wanted.collect();
    Ok(Measure {
        kind: check.kind.unwrap_or("null"),
        values: check.total.values,
        bytes: check.total.bytes,
        kept,
        wanted,
        depth: check.depth,
        doubtful: check.doubtful,
    })
}

/// How many steps it takes to do that: characters, tokens and events. A figure for tests, which measure no time.
#[cfg(any(test, fuzzing))]
pub(super) fn steps(input: Input<'_>, limits: &Limits) -> u64 {
    let Ok(mut check) = StructureCheck::new(input, limits) else { return 0 };
    let _ = check.run();
    check.steps + check.events.steps()
}

impl<'a, 'l> StructureCheck<'a, 'l> {
    fn new(input: Input<'a>, limits: &'l Limits) -> Result<Self, YamlError> {
        Ok(StructureCheck {
            events: Events::new(input)?,
            limits,
            // go-yaml counts the document as well.
            total: Amount { decoded: 1, ..Amount::default() },
            aliased: 0,
            open: Vec::new(),
            names: BTreeMap::new(),
            anchors: Vec::new(),
            depth: 0,
            kind: None,
            doubtful: false,
            steps: 0,
        })
    }

    fn run(&mut self) -> Result<(), YamlError> {
        while let Some(event) = self.events.next()? {
            self.steps += 1;
            self.take(event)?;
        }
        Ok(())
    }

    fn take(&mut self, event: Event<'a>) -> Result<(), YamlError> {
        match event {
            Event::Scalar(scalar, anchor) => self.scalar(scalar, anchor),
            Event::List(anchor) => self.begin(Shape::List, anchor),
            Event::Map(anchor) => self.begin(Shape::Map, anchor),
            Event::Alias(name) => self.alias(name),
            Event::End => {
                self.end();
                Ok(())
            }
        }
    }

    /// What the next node is to what it is in. The collection goes on to the one after it.
    fn role(&mut self) -> Role {
        let Some(open) = self.open.last_mut() else { return Role::Entry };
        let role = open.next;
        open.next = match role {
            Role::Key => Role::Value,
            Role::Value | Role::Merged => Role::Key,
            other => other,
        };
        role
    }

    fn wrong(&self, problem: &'static str) -> YamlError {
        self.events.problem(problem).into()
    }

    /// Adds to the total.
    fn add(&mut self, amount: Amount) -> Result<(), YamlError> {
        let total = &mut self.total;
        total.values += amount.values;
        total.bytes += amount.bytes;
        total.decoded += amount.decoded;
        if total.values > self.limits.values {
            return Err(YamlError::Values(self.limits.values));
        }
        if total.bytes > self.limits.bytes {
            return Err(YamlError::Size(self.limits.bytes));
        }
        // Up to 400,000 nodes, which is more than there may be, go-yaml takes 99 of 100 behind aliases (decode.go,
        // allowedAliasRatio).
        let (aliased, decoded) = (self.aliased, self.total.decoded);
        if aliased > 100 && decoded > 1000 && aliased as f64 / decoded as f64 > 0.99 {
            return Err(self.wrong("document contains excessive aliasing"));
        }
        Ok(())
    }

    fn scalar(&mut self, scalar: Scalar<'a>, anchor: Option<&'a str>) -> Result<(), YamlError> {
        let role = self.role();
        let bytes = scalar.text.len() as u64;
        let is_merge = scalar.text == "<<" && (scalar.plain || scalar.tag == ScalarTag::Merge);
        let before = self.total;
        let mut unfit = Unfit::Nowhere;
        // A `<<` is not decoded.
        let decoded = u64::from(!(is_merge && role == Role::Key));
        self.add(Amount { values: 1, bytes, decoded })?;
        match role {
            Role::Key if is_merge => {
                if let Some(open) = self.open.last_mut() {
                    open.next = Role::Merged;
                }
            }
            Role::Merged | Role::MergedEntry => return Err(self.wrong(MERGE)),
            _ => {
                let value = resolve::resolve(scalar).map_err(|problem| self.wrong(problem))?;
                unfit = Unfit::of(&value);
                self.doubtful |= unfit.is_doubtful(role);
                if self.open.is_empty() {
                    self.kind = Some(value.kind());
                }
            }
        }
        let anchor = self.name(anchor);
        // As what an alias stands for it is one.
        self.close(anchor, Amount { decoded: self.total.decoded - 1, ..before }, 0, Shape::Scalar, unfit);
        Ok(())
    }

    fn begin(&mut self, shape: Shape, anchor: Option<&'a str>) -> Result<(), YamlError> {
        let role = self.role();
        match role {
            Role::Key => return Err(YamlError::Key(shape.called())),
            Role::MergedEntry if shape == Shape::List => return Err(self.wrong(MERGE)),
            _ => {}
        }
        let before = self.total;
        let merged_list = role == Role::Merged && shape == Shape::List;
        self.add(Amount { values: 1, bytes: 0, decoded: u64::from(!merged_list) })?;
        if self.open.is_empty() {
            self.kind = Some(shape.called());
        }
        let next = match shape {
            Shape::Map => Role::Key,
            _ if merged_list => Role::MergedEntry,
            _ => Role::Entry,
        };
        let anchor = self.name(anchor);
        // As what an alias stands for it is decoded in any case.
        let before = Amount { decoded: self.total.decoded - 1, ..before };
        self.open.push(CheckedCollection { shape, next, anchor, before, height: 0 });
        self.check_depth(0)
    }

    fn end(&mut self) {
        let Some(CheckedCollection { shape, anchor, before, height, .. }) = self.open.pop() else { return };
        let height = height + 1;
        if let Some(outer) = self.open.last_mut() {
            outer.height = outer.height.max(height);
        }
        self.close(anchor, before, height, shape, Unfit::Nowhere);
    }

    fn alias(&mut self, name: &'a str) -> Result<(), YamlError> {
        let role = self.role();
        let anchored = self.names.get(name).and_then(|anchor| self.anchors.get_mut(*anchor));
        let (amount, height, shape) = match anchored {
            Some(Anchored::Ended { amount, height, shape, unfit, wanted }) => {
                *wanted = true;
                self.doubtful |= unfit.is_doubtful(role);
                (*amount, *height, *shape)
            }
            Some(Anchored::Open) => return Err(self.wrong("anchor value contains itself")),
            None => return Err(self.wrong("unknown anchor referenced")),
        };
        match role {
            Role::Key if shape != Shape::Scalar => {
                return Err(YamlError::Key(shape.called()));
            }
            Role::Merged | Role::MergedEntry if shape != Shape::Map => return Err(self.wrong(MERGE)),
            _ => {}
        }
        self.aliased += amount.decoded;
        self.add(Amount { decoded: amount.decoded + 1, ..amount })?;
        if let Some(outer) = self.open.last_mut() {
            outer.height = outer.height.max(height);
        }
        self.check_depth(height)
    }

    /// Collections that are open, and so many more in the innermost one.
    fn check_depth(&mut self, height: usize) -> Result<(), YamlError> {
        self.depth = self.depth.max(self.open.len() + height);
        if self.depth > self.limits.depth {
            return Err(YamlError::Depth(self.limits.depth));
        }
        Ok(())
    }

    /// From here on the name stands for what follows.
    fn name(&mut self, anchor: Option<&'a str>) -> Option<usize> {
        let number = self.anchors.len();
        self.names.insert(anchor?, number);
        self.anchors.push(Anchored::Open);
        Some(number)
    }

    /// A node with an anchor has ended.
    fn close(&mut self, anchor: Option<usize>, before: Amount, height: usize, shape: Shape, unfit: Unfit) {
        let Some(anchored) = anchor.and_then(|anchor| self.anchors.get_mut(anchor)) else { return };
        let amount = Amount {
            values: self.total.values - before.values,
            bytes: self.total.bytes - before.bytes,
            decoded: self.total.decoded - before.decoded,
        };
        *anchored = Anchored::Ended { amount, height, shape, unfit, wanted: false };
    }
}

const MERGE: &str = "map merge requires map or sequence of maps as the value";
