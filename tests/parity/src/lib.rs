//! One verdict from native rule, component and filter, for every vector
