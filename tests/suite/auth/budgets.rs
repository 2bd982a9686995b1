//! How many requests it takes.

use std::sync::Arc;

use oci::registry::{Hints, RegistryOptions};

use super::world::{BASIC, Memory, answer, bearer, options, password, pull, push, repository, token_service};
use crate::common::mock::{Mock, Recorded, on};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Scheme {
    Open,
    Basic,
    Bearer,
}

struct World {
    registry: Mock,
    service: Arc<Mock>,
}

impl World {
    fn new(scheme: Scheme, has_chart: bool) -> Self {
        let service = Arc::new(token_service());
        let shared = Arc::clone(&service);
        let registry = Mock::serve(move |request: &Recorded| {
            let shown = request.header("authorization").unwrap_or_default();
            let challenge = [("WWW-Authenticate", "Basic realm=\"charts\"")];
            match scheme {
                Scheme::Basic if shown != BASIC => on(&request.line).answer(401, &challenge, b""),
                Scheme::Bearer if !shown.starts_with("Bearer token-") => bearer(&request.line, &shared, ""),
                _ => answer(request, has_chart),
            }
        });
        Self { registry, service }
    }

    fn requests(&self) -> usize {
        self.registry.requests().len() + self.service.requests().len()
    }

    /// What one command costs.
    fn cost(&self, options: &RegistryOptions, work: &dyn Fn(&oci::registry::RepositoryClient)) -> usize {
        let before = self.requests();
        work(&repository(options, &self.registry.host()));
        self.requests() - before
    }
}

#[test]
fn costs_what_it_should() {
    type Work<'a> = &'a dyn Fn(&oci::registry::RepositoryClient);
    let works: [(&str, bool, Work<'_>, [usize; 3]); 4] = [
        ("push", false, &|r| push(r).unwrap(), [6, 6, 7]),
        ("push again", true, &|r| push(r).unwrap(), [1, 1, 2]),
        ("pull", true, &|r| pull(r, false).unwrap(), [3, 3, 4]),
        ("pull again", true, &|r| pull(r, true).unwrap(), [1, 1, 2]),
    ];
    for (name, has_chart, work, costs) in works {
        for (scheme, cost) in [Scheme::Open, Scheme::Basic, Scheme::Bearer].into_iter().zip(costs) {
            let world = World::new(scheme, has_chart);
            let hints = Arc::new(Memory::default());
            let shared: Arc<dyn Hints> = hints.clone();
            let options = RegistryOptions { hints: Some(shared), ..options(Some(password())) };
            // The first command learns by a 401, every later one knows.
            let first = world.cost(&options, work);
            let surcharge = usize::from(scheme != Scheme::Open);
            assert_eq!(first, cost + surcharge, "{name}, {scheme:?}, without a hint");
            assert_eq!(world.cost(&options, work), cost, "{name}, {scheme:?}, with a hint");
            assert_eq!(world.cost(&options, work), cost, "{name}, {scheme:?}, with a hint");
            let written = hints.puts.load(std::sync::atomic::Ordering::SeqCst);
            assert_eq!(written, surcharge, "{name}, {scheme:?}: hints written");
            assert!(world.registry.connections() <= 3, "{name}, {scheme:?}: a command has one connection");
        }
    }
}

#[test]
fn a_token_is_for_one_repository_and_the_way_for_all() {
    let world = World::new(Scheme::Bearer, true);
    let client = oci::registry::Client::new(&options(Some(password()))).unwrap();
    let host = world.registry.host().parse().unwrap();
    for name in ["a", "b", "c"] {
        pull(&client.repository(&host, &name.parse().unwrap()).unwrap(), false).unwrap();
    }
    assert_eq!((world.registry.requests().len(), world.service.requests().len()), (10, 3));
}
