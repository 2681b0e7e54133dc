//! The product as people use it: real Envoy, browser and relying parties
