//! Downloads: small objects into memory, large ones into a file that goes on where it broke off.

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::Path;

use aws_sdk_s3::operation::get_object::GetObjectOutput;

use super::{ObjectHead, S3Store, bytes, errors};
use crate::adapters::store::local;
use crate::adapters::store::{Act, Progress, StoreError, StoreErrorKind};
use crate::model::cancel::Cancel;

/// How often in a row a download that brought nothing new is begun again. The SDK's own tries come
/// before each, so a server that is not back by then stays away.
const FRUITLESS: u32 = 4;

impl S3Store {
    pub(super) async fn download_small(
        &self,
        act: &Act,
        key: &str,
        limit: u64,
    ) -> Result<Vec<u8>, StoreError> {
        let mut answer = self
            .client
            .get_object()
            .bucket(&self.settings.bucket)
            .key(key)
            .send()
            .await
            .map_err(|error| errors::explain(act, &self.settings, error))?;
        let size = bytes(answer.content_length());
        if size > limit {
            return Err(act.too_large(size, limit));
        }
        let mut content = Vec::new();
        while let Some(chunk) = answer.body.next().await {
            content.extend_from_slice(&chunk.map_err(|error| errors::broken(act, &error))?);
            if content.len() as u64 > limit {
                return Err(act.too_large(content.len() as u64, limit));
            }
        }
        Ok(content)
    }

    pub(super) async fn download(
        &self,
        act: &Act,
        key: &str,
        part: Option<Range<u64>>,
        target: &Path,
        stop: &Cancel,
        progress: Progress<'_>,
    ) -> Result<(), StoreError> {
        let Some(found) = self.find(act, key).await? else {
            return Err(act.error(StoreErrorKind::NotFound, "there is no such object", ""));
        };
        let part = act.part(part, found.size)?;
        let size = part.end - part.start;
        let (mut file, mut present) = local::open_target(target, act)?;
        let mut fruitless = 0;
        while present < size {
            let before = present;
            let answer = self
                .range(act, key, &found, part.start + present..part.end)
                .await?;
            // The SDK repeats requests, but not answers that broke off half-way.
            let received = self
                .receive(
                    act,
                    answer,
                    (&mut file, target),
                    &mut present,
                    stop,
                    progress,
                )
                .await;
            fruitless = if present > before { 0 } else { fruitless + 1 };
            match received {
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
        if present > size {
            return Err(act.target_too_long(target, present, size));
        }
        local::sync_target(&file, target, act)
    }

    /// These bytes of the object; the same object as was looked at.
    async fn range(
        &self,
        act: &Act,
        key: &str,
        found: &ObjectHead,
        part: Range<u64>,
    ) -> Result<GetObjectOutput, StoreError> {
        let answer = self
            .client
            .get_object()
            .bucket(&self.settings.bucket)
            .key(key)
            .range(format!("bytes={}-{}", part.start, part.end - 1))
            .set_if_match(found.etag.clone())
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
        Ok(answer)
    }

    async fn receive(
        &self,
        act: &Act,
        mut answer: GetObjectOutput,
        (file, target): (&mut File, &Path),
        present: &mut u64,
        stop: &Cancel,
        progress: Progress<'_>,
    ) -> Result<(), StoreError> {
        while let Some(chunk) = answer.body.next().await {
            // On a fast line there is always a next chunk, and waiting for it never pauses to ask.
            if stop.is_set() {
                return Err(act.interrupted());
            }
            let chunk = chunk.map_err(|error| errors::broken(act, &error))?;
            // On the calling thread, which has nothing else to do; the runtime's own threads go on
            // receiving.
            file.write_all(&chunk)
                .map_err(|error| act.local(target, "write", &error))?;
            *present += chunk.len() as u64;
            progress(chunk.len() as u64);
        }
        Ok(())
    }
}
