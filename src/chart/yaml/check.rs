//! Goes through the events of a document once, and finds out how much memory it takes to build. An alias counts as much
//! as what it stands for. Nothing is kept except the sizes of anchored nodes.

use std::collections::BTreeMap;

use super::event::{Event, Scalar, ScalarTag};
use super::events::Events;
use super::input::Input;
use super::problem::YamlError;
use super::resolve;
use super::value::YamlValue;

/// The limits of a document.
pub(super) struct Limits {
    /// The most nodes: scalars, lists and maps, and the keys of maps.
    pub(super) values: usize,
    /// The most bytes of text in scalars.
    pub(super) bytes: u64,
    /// The most levels of collections in collections.
    pub(super) depth: usize,
}

/// The measures of a document that was checked.
#[derive(Debug)]
pub(super) struct Measure {
    /// The type of the document's value, for a message.
    pub(super) kind: &'static str,
    values: usize,
    bytes: u64,
    /// The nodes that aliases stand for, and the bytes of their text: each is kept as a copy.
    kept: (usize, u64),
    /// Whether there is an alias for each anchor, by the anchor's number.
    wanted: Vec<bool>,
    /// How many levels of collections there are.
    pub(super) depth: usize,
    /// Whether a number or a key may be one that JSON does not have. Only the values show whether Helm comes upon it.
    pub(super) doubtful: bool,
}

impl Measure {
    /// The most bytes of memory that the values can take.
    pub(super) fn memory(&self) -> u64 {
        // A growing list has room for twice its items, and its old memory too for a moment. The allocator needs a
        // little for each piece.
        const NODE: u64 = 3 * size_of::<(String, YamlValue)>() as u64 + 32;
        let (nodes, bytes) = (self.values + self.kept.0, self.bytes + self.kept.1);
        // In base64, each byte that is not UTF-8 becomes three.
        nodes as u64 * NODE + bytes / 4 * 9 + bytes.min(8)
    }

    /// Whether there is an alias for the anchor of this number.
    pub(super) fn is_wanted(&self, anchor: usize) -> bool {
        self.wanted.get(anchor).copied().unwrap_or_default()
    }
}

/// The size of a part of a document.
#[derive(Clone, Copy, Default)]
struct Amount {
    values: usize,
    bytes: u64,
    /// The nodes as go-yaml counts them, to find aliases that stand for too much: each alias counts with what it stands
    /// for.
    decoded: u64,
}

/// A node with an anchor.
enum Anchored {
    /// The node has not ended, so an alias here would be inside of what it stands for.
    Open,
    Ended {
        amount: Amount,
        height: usize,
        shape: Shape,
        unfit: Unfit,
        /// Whether there is an alias for it.
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

/// The places in which JSON does not allow a scalar.
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

/// The role of the next node in the collection that it is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Entry,
    Key,
    Value,
    /// The value of `<<`, which must be a map or a list of maps.
    Merged,
    /// An entry of the list of maps that is the value of `<<`.
    MergedEntry,
}

/// A collection that has not ended.
struct CheckedCollection {
    shape: Shape,
    next: Role,
    anchor: Option<usize>,
    before: Amount,
    /// How many levels of collections there are in it.
    height: usize,
}

struct StructureCheck<'a, 'l> {
    events: Events<'a>,
    limits: &'l Limits,
    total: Amount,
    /// How many nodes aliases stand for, as go-yaml counts.
    aliased: u64,
    open: Vec<CheckedCollection>,
    names: BTreeMap<&'a str, usize>,
    anchors: Vec<Anchored>,
    depth: usize,
    kind: Option<&'static str>,
    doubtful: bool,
    steps: u64,
}

/// Checks the first document of a text, and measures it. An error if it is over a limit or Helm would refuse it.
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

/// How many steps the check takes: characters, tokens and events. Tests use this instead of time.
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
            // go-yaml counts the document as a node, too.
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

    /// The role of the next node in its collection, which then expects the node after it.
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

    /// Adds to the sums, and checks the limits.
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
        // For documents of up to 400,000 nodes, which is more than the limits allow, go-yaml accepts that aliases make
        // 99 of 100 nodes (decode.go, allowedAliasRatio).
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
        // go-yaml does not decode a `<<`.
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
        // If an alias stands for this scalar, go-yaml counts it as a decoded node.
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
        // If an alias stands for this collection, go-yaml counts it as a decoded node.
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

    /// Checks the levels of collections: those that are open, and `height` more in the innermost one.
    fn check_depth(&mut self, height: usize) -> Result<(), YamlError> {
        self.depth = self.depth.max(self.open.len() + height);
        if self.depth > self.limits.depth {
            return Err(YamlError::Depth(self.limits.depth));
        }
        Ok(())
    }

    /// Lets the name stand for the node that follows. Returns the number of the anchor.
    fn name(&mut self, anchor: Option<&'a str>) -> Option<usize> {
        let number = self.anchors.len();
        self.names.insert(anchor?, number);
        self.anchors.push(Anchored::Open);
        Some(number)
    }

    /// Notes the size of a node with an anchor when it has ended.
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
