//! The nodes of a cluster: each try of a request goes to the node that answered last, and the next
//! try to the node behind it if that one fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_s3::config::interceptors::{
    BeforeTransmitInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_types::config_bag::{Storable, StoreReplace};

/// Sends the requests of a client to one of several nodes.
#[derive(Clone, Debug)]
pub(super) struct Nodes {
    addresses: Arc<[String]>,
    /// The node that the next try goes to.
    current: Arc<AtomicUsize>,
}

/// The node that a try went to.
#[derive(Clone, Copy, Debug)]
struct AskedNode(usize);

impl Storable for AskedNode {
    type Storer = StoreReplace<AskedNode>;
}

/// The node that answered one request: its body may break off later, which the SDK does not see.
#[derive(Clone, Debug, Default)]
pub(super) struct AnsweringNode(Arc<AtomicUsize>);

impl Intercept for AnsweringNode {
    fn name(&self) -> &'static str {
        "AnsweringNode"
    }

    fn read_after_attempt(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(AskedNode(node)) = cfg.load::<AskedNode>() {
            self.0.store(*node, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Nodes {
    /// The addresses have no path: they take the place of each other in a request.
    pub fn new(addresses: &[String]) -> Nodes {
        Nodes {
            addresses: addresses.into(),
            current: Arc::default(),
        }
    }

    /// An answer broke off.
    pub fn broke_off(&self, answering: &AnsweringNode) {
        self.leave(answering.0.load(Ordering::Relaxed));
    }

    /// Leaves a node, unless another request has already left it.
    fn leave(&self, node: usize) {
        let next = (node + 1) % self.addresses.len().max(1);
        let order = Ordering::Relaxed;
        let _ = self.current.compare_exchange(node, next, order, order);
    }
}

impl Intercept for Nodes {
    fn name(&self) -> &'static str {
        "Nodes"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let node = self.current.load(Ordering::Relaxed);
        if let Some(address) = self.addresses.get(node) {
            context.request_mut().uri_mut().set_endpoint(address)?;
        }
        cfg.interceptor_state().store_put(AskedNode(node));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let is_refused = |status: u16| status >= 500;
        let failed = match (context.response(), context.output_or_error()) {
            (Some(response), _) => is_refused(response.status().as_u16()),
            (None, Some(Err(error))) => error.is_connector_error() || error.is_timeout_error(),
            (None, _) => false,
        };
        if let (true, Some(AskedNode(node))) = (failed, cfg.load::<AskedNode>()) {
            self.leave(*node);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_left_once_and_in_a_circle() {
        let nodes = Nodes::new(&["http://a", "http://b", "http://c"].map(str::to_owned));
        let now = || nodes.current.load(Ordering::Relaxed);
        nodes.leave(0);
        // A second request that went to the first node fails later.
        nodes.leave(0);
        assert_eq!(now(), 1);
        nodes.leave(1);
        nodes.leave(2);
        assert_eq!(now(), 0);
    }
}
