//! Functions that a component exports: found and checked once, called often.
#![allow(unsafe_code, reason = "TypedFunc::new_unchecked")]

use std::marker::PhantomData;

use wasmtime::component::{ComponentExportIndex, ComponentNamedList, Instance, Lift, Lower, TypedFunc};
use wasmtime::{AsContextMut, Error};

use crate::load::LoadError;

/// An export of one component, whose type is that of the world.
///
/// Comparing a function's type with the world's walks all its records and variants and their names,
/// which costs more than many a call: it is done once, here.
pub(crate) struct Function<P, R> {
    index: ComponentExportIndex,
    types: PhantomData<fn(P) -> R>,
}

impl<P, R> Function<P, R>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    /// The function that the instance's component exports from the interface.
    ///
    /// # Errors
    /// [`LoadError::World`] when there is none, or one of another type.
    pub(crate) fn find(
        mut store: impl AsContextMut,
        instance: &Instance,
        interface: &str,
        name: &str,
    ) -> Result<Self, LoadError> {
        let index = instance
            .get_export_index(&mut store, None, interface)
            .and_then(|interface| instance.get_export_index(&mut store, Some(&interface), name))
            .ok_or_else(|| LoadError::World(format!("does not export {name} of {interface}")))?;
        instance
            .get_typed_func::<P, R>(&mut store, index)
            .map_err(|error| LoadError::World(format!("{name} of {interface}: {error:#}")))?;
        Ok(Self { index, types: PhantomData })
    }

    /// The function of another instance of the same component.
    pub(crate) fn of(
        &self,
        mut store: impl AsContextMut,
        instance: &Instance,
    ) -> Result<TypedFunc<P, R>, Error> {
        let function = instance
            .get_func(&mut store, self.index)
            .ok_or_else(|| Error::msg("the instance is not of the function's component"))?;
        // SAFETY: `find` has checked the export with this index against `P` and `R`, and an index
        // stands for the same export, with the same type, in every instance of a component:
        // worlds have no resources, so that no type depends on the instance. An index of another
        // component, which the callers don't mix up, finds no function: wasmtime compares them.
        Ok(unsafe { TypedFunc::new_unchecked(function) })
    }
}
