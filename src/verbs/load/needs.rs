//! Counts which blobs of a pipe are still needed, so that the others can be dropped.

use super::error::LoadError;
use super::loading::{LayoutLoading, Needs};
use super::task::LoadTask;
use crate::threads::locked;

impl LayoutLoading<'_> {
    /// Counts the blobs that all charts need, once, if the layout comes from a pipe.
    pub(super) fn count_needs(&self) -> Result<(), LoadError> {
        // Other threads wait here until all is counted.
        let mut counted = locked(&self.needs);
        if counted.is_some() || !self.contents().reader.is_stream() {
            return Ok(());
        }
        let mut needs = Needs::default();
        for task in self.tasks() {
            let graph = match self.graph(task) {
                Ok(graph) => graph,
                Err(error) if self.contents().reader.has_failed() => return Err(error),
                // Errors of a chart are reported when it is loaded.
                Err(_) => continue,
            };
            let mut blobs: Vec<_> = graph.node.blobs.iter().map(|blob| blob.digest.clone()).collect();
            blobs.extend(graph.attached_blobs().into_iter().map(|blob| blob.digest));
            blobs.sort();
            blobs.dedup();
            for blob in &blobs {
                *needs.blobs.entry(blob.clone()).or_default() += 1;
            }
            needs.charts.insert(task.manifest.digest.clone(), blobs);
        }
        self.contents().reader.expect(needs.blobs.keys().cloned().collect());
        *counted = Some(needs);
        Ok(())
    }

    /// Drops the blobs that no other chart needs, after a chart was loaded or has failed.
    pub(super) fn release(&self, task: &LoadTask) {
        let mut needs = locked(&self.needs);
        let Some(needs) = &mut *needs else { return };
        for blob in needs.charts.get(&task.manifest.digest).into_iter().flatten() {
            let Some(count) = needs.blobs.get_mut(blob) else { continue };
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.contents().reader.release(blob);
            }
        }
    }
}
