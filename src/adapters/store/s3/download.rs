//! Downloads: small objects into memory, large ones into a file. An interrupted download resumes.

use std::error::Error;
use std::io::Write;
use std::ops::Range;
use std::path::Path;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use futures_util::stream::{self, StreamExt};

use super::nodes::AnsweringNode;
use super::{ObjectHead, S3Store, bytes, errors, unless_interrupted};
use crate::adapters::store::local;
use crate::adapters::store::{Act, PIECE, Progress, StoreError, StoreErrorKind};
use crate::model::cancel::Cancel;

/// How often in a row a download that brought nothing new is started again. The SDK's own tries
/// come before each, so a server that is not back by then stays away.
const FRUITLESS: u32 = 4;

impl S3Store {
    pub(super) async fn download_small(
        &self,
        act: &Act,
        key: &str,
        limit: u64,
    ) -> Result<Vec<u8>, StoreError> {
        let node = AnsweringNode::default();
        let mut answer = self
            .client
            .get_object()
            .bucket(&self.settings.bucket)
            .key(key)
            .set_version_id(self.version(key))
            .customize()
            .interceptor(node.clone())
            .send()
            .await
            .map_err(|error| errors::explain(act, &self.settings, error))?;
        let size = bytes(answer.content_length());
        if size > limit {
            return Err(act.too_large(size, limit));
        }
        let mut content = Vec::new();
        while let Some(chunk) = answer.body.next().await {
            content.extend_from_slice(&chunk.map_err(|error| self.broken(act, &node, &error))?);
            if content.len() as u64 > limit {
                return Err(act.too_large(content.len() as u64, limit));
            }
        }
        Ok(content)
    }

    /// Appends the rest of an object's part to the file, piece by piece: some are received while the
    /// one before them is written. What is in the file is always the beginning of the part.
    pub(super) async fn download(
        &self,
        act: &Act,
        key: &str,
        part: Option<Range<u64>>,
        target: &Path,
        stop: &Cancel,
        progress: Progress<'_>,
    ) -> Result<(), StoreError> {
        let found = match self.old_head(key) {
            Some(old) => Some(old),
            None => unless_interrupted(act, stop, self.find(act, key)).await?,
        };
        let Some(found) = found else {
            return Err(act.error(StoreErrorKind::NotFound, "there is no such object", ""));
        };
        let part = act.part(part, found.size)?;
        let size = part.end - part.start;
        let (mut file, present) = local::open_target(target, act)?;
        if present > size {
            return Err(act.target_too_long(target, present, size));
        }
        let found = &found;
        let mut pieces = stream::iter(pieces(part.start + present..part.end))
            .map(|piece| async move {
                let mut received = Vec::new();
                let work = self.receive(act, (key, found), piece, &mut received, stop, progress);
                let result = unless_interrupted(act, stop, work).await;
                (received, result)
            })
            .buffered(self.settings.download.connections.max(1));
        while let Some((received, result)) = pieces.next().await {
            // Also the beginning of a piece that was interrupted or broke off. On the calling thread, which has nothing
            // else to do; the runtime's own threads go on receiving.
            file.write_all(&received)
                .map_err(|error| act.local(target, "write", &error))?;
            result?;
        }
        local::sync_target(&file, target, act)
    }

    /// Receives a piece of an object into memory. After an error, the received bytes are there too.
    async fn receive(
        &self,
        act: &Act,
        (key, found): (&str, &ObjectHead),
        piece: Range<u64>,
        received: &mut Vec<u8>,
        stop: &Cancel,
        progress: Progress<'_>,
    ) -> Result<(), StoreError> {
        let Ok(_slot) = self.download_slots.acquire().await else {
            return Err(act.interrupted());
        };
        let size = piece.end - piece.start;
        let mut fruitless = 0;
        while (received.len() as u64) < size {
            let before = received.len();
            let rest = piece.start + before as u64..piece.end;
            let answer = self.range(act, key, found, rest).await?;
            // The SDK repeats requests, but does not resume interrupted answers.
            let result = self
                .read_answer(act, answer, received, stop, progress)
                .await;
            fruitless = if received.len() > before {
                0
            } else {
                fruitless + 1
            };
            match result {
                Err(error)
                    if error.kind != StoreErrorKind::Unreachable || fruitless > FRUITLESS =>
                {
                    return Err(error);
                }
                Ok(()) if fruitless > FRUITLESS => {
                    return Err(act.error(StoreErrorKind::Other, "the server sends nothing", ""));
                }
                _ => {}
            }
        }
        if received.len() as u64 > size {
            let why = format_args!(
                "the server sends {} bytes instead of {size}",
                received.len()
            );
            return Err(act.error(StoreErrorKind::Other, why, ""));
        }
        Ok(())
    }

    fn broken(&self, act: &Act, node: &AnsweringNode, error: &(dyn Error + 'static)) -> StoreError {
        self.nodes.broke_off(node);
        errors::broken(act, error)
    }

    /// These bytes of the object; the same object as was looked at.
    async fn range(
        &self,
        act: &Act,
        key: &str,
        found: &ObjectHead,
        part: Range<u64>,
    ) -> Result<(GetObjectOutput, AnsweringNode), StoreError> {
        let node = AnsweringNode::default();
        let answer = self
            .client
            .get_object()
            .bucket(&self.settings.bucket)
            .key(key)
            .set_version_id(self.version(key))
            .range(format!("bytes={}-{}", part.start, part.end - 1))
            .set_if_match(found.etag.clone())
            .customize()
            .interceptor(node.clone())
            .send()
            .await
            .map_err(|error| errors::explain(act, &self.settings, error))?;
        // A server that does not know ranges would send the object from its beginning.
        let due = part.end - part.start;
        let promised = answer
            .content_length()
            .map_or(due, |length| bytes(Some(length)));
        if promised != due || (due < found.size && answer.content_range().is_none()) {
            let why = format_args!("the server sends {promised} bytes instead of {due}");
            return Err(act.error(
                StoreErrorKind::Other,
                why,
                "this server cannot send a part of an object",
            ));
        }
        Ok((answer, node))
    }

    async fn read_answer(
        &self,
        act: &Act,
        (mut answer, node): (GetObjectOutput, AnsweringNode),
        received: &mut Vec<u8>,
        stop: &Cancel,
        progress: Progress<'_>,
    ) -> Result<(), StoreError> {
        while let Some(chunk) = answer.body.next().await {
            // On a fast line there is always a next chunk, and waiting for it never pauses to ask.
            if stop.is_set() {
                return Err(act.interrupted());
            }
            let chunk = chunk.map_err(|error| self.broken(act, &node, &error))?;
            received.extend_from_slice(&chunk);
            progress(chunk.len() as u64);
            self.download_pace.take(chunk.len() as u64).await;
        }
        Ok(())
    }
}

/// Bytes of an object, split into pieces.
fn pieces(bytes: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let end = bytes.end;
    let step = usize::try_from(PIECE).unwrap_or(usize::MAX);
    bytes
        .step_by(step)
        .map(move |start| start..start.saturating_add(PIECE).min(end))
}
