//! Who asks: challenges, tokens, hints and what they cost.

mod budgets;
mod canary;
mod check;
mod flows;
mod identity;
mod registries;
mod stale;
mod world;
