//! Limits of bandwidth: who wants to send or receive bytes waits until the line is free for them.

use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::model::bandwidth::Bandwidth;

/// Bytes that go at once: small enough that others on the line notice no burst.
const STEP: usize = 64 * 1024;

/// One direction of the line, shared by all connections.
#[derive(Debug)]
pub(super) struct Pace {
    limit: Bandwidth,
    /// When all bytes that were reserved so far have been sent.
    free: Mutex<Instant>,
}

impl Pace {
    pub(super) fn new(limit: Bandwidth) -> Arc<Pace> {
        Arc::new(Pace {
            limit,
            free: Mutex::new(Instant::now()),
        })
    }

    /// Reserves the line for this many bytes. Returns the time during which they may be sent.
    fn reserve(&self, bytes: u64, now: Instant, rate: Option<u64>) -> Range<Instant> {
        let Some(rate) = rate else { return now..now };
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let start = (*free).max(now);
        *free = start + Duration::from_secs_f64(bytes as f64 / rate.max(1) as f64);
        start..*free
    }

    fn reserve_now(&self, bytes: u64) -> Range<Instant> {
        let rate = self.limit.at(chrono::Local::now().time());
        self.reserve(bytes, Instant::now(), rate)
    }

    /// Waits as long as these bytes, which have come, should have taken.
    pub(super) async fn take(&self, bytes: u64) {
        tokio::time::sleep_until(self.reserve_now(bytes).end.into()).await;
    }
}

/// Paces the body of every request. It comes after the signing, which wants all bytes at once, and
/// anew for each try.
#[derive(Debug)]
pub(super) struct PacedRequests(pub(super) Arc<Pace>);

impl Intercept for PacedRequests {
    fn name(&self) -> &'static str {
        "PacedRequests"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.request_mut().body_mut();
        if self.0.limit.smallest().is_some() && body.content_length() != Some(0) {
            let inner = std::mem::replace(body, SdkBody::taken());
            *body = SdkBody::from_body_1_x(PacedBody {
                inner,
                waiting: Bytes::new(),
                sleep: None,
                pace: self.0.clone(),
            });
        }
        Ok(())
    }
}

/// A body that gives its bytes step by step.
struct PacedBody {
    inner: SdkBody,
    /// Taken from the inner body and not sent yet.
    waiting: Bytes,
    /// Until the next step may go; `None` when none is waiting.
    sleep: Option<Pin<Box<Sleep>>>,
    pace: Arc<Pace>,
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.waiting.is_empty() {
            match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.waiting = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => return Poll::Ready(end),
            }
        }
        let step = self.waiting.len().min(STEP);
        if self.sleep.is_none() {
            let until = self.pace.reserve_now(step as u64).start;
            self.sleep = Some(Box::pin(tokio::time::sleep_until(until.into())));
        }
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(context));
        }
        self.sleep = None;
        Poll::Ready(Some(Ok(Frame::data(self.waiting.split_to(step)))))
    }

    fn is_end_stream(&self) -> bool {
        self.waiting.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let inner = Body::size_hint(&self.inner);
        match inner.exact() {
            Some(rest) => SizeHint::with_exact(rest + self.waiting.len() as u64),
            None => inner,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_when_those_before_have_gone() {
        let pace = Pace::new(Bandwidth::default());
        let start = Instant::now() + Duration::from_secs(60);
        let after = |turn: Range<Instant>| turn.start.saturating_duration_since(start).as_millis();
        // A megabyte a second, of all connections together.
        let rate = Some(1_000_000);
        let mut steps = Vec::new();
        for _ in 0..4 {
            steps.push(after(pace.reserve(250_000, start, rate)));
        }
        assert_eq!(steps, [0, 250, 500, 750]);
        // The limit has changed: what was reserved stays so.
        assert_eq!(after(pace.reserve(250_000, start, Some(500_000))), 1000);
        assert_eq!(after(pace.reserve(1, start, rate)), 1500);
        // A line that was idle saves nothing up.
        let later = start + Duration::from_secs(10);
        assert_eq!(after(pace.reserve(1_000_000, later, rate)), 10_000);
        assert_eq!(after(pace.reserve(1, later, rate)), 11_000);
        assert_eq!(pace.reserve(1 << 40, later, None), later..later);
    }
}
