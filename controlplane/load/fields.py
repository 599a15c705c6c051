"""Which fields may stand where: read off the models, to suggest the right name for a wrong one."""

from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

Models = tuple[type[BaseModel], ...]
Step = str | int


def models_at(root: type[BaseModel], loc: tuple[Step, ...]) -> Models:
    """The models that may stand at a place, ``loc`` being pydantic's: keys by their YAML names, indices, tags."""
    here: Models = (root,)
    for step in loc:
        if isinstance(step, int):
            continue
        below = tuple(found for model in here for found in _below(model, step))
        here = below or _tagged(here, step)
    return here


def names_of(models: Models) -> tuple[str, ...]:
    """The YAML names of the fields of these models, each once."""
    return tuple(dict.fromkeys(field.alias or name for model in models for name, field in model.model_fields.items()))


def models_below(model: type[BaseModel]) -> Models:
    """The models that stand in the fields of one."""
    return tuple(found for field in model.model_fields.values() for found in _inside(field.annotation))


def _below(model: type[BaseModel], step: str) -> Models:
    for name, field in model.model_fields.items():
        if step == (field.alias or name):
            return _inside(field.annotation)
    return ()


def _inside(annotation: Any) -> Models:
    """Every model somewhere in a type: of lists and tables their members, of unions each."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return (annotation,)
    return tuple(found for argument in get_args(annotation) for found in _inside(argument))


def _tagged(models: Models, tag: str) -> Models:
    """The members of a union that a tag speaks of; all of them if it speaks of none."""
    word = tag.rpartition(" ")[2]
    chosen = tuple(model for model in models if _answers_to(model, word))
    return chosen or models


def _answers_to(model: type[BaseModel], word: str) -> bool:
    if model.__name__ == word:
        return True
    kind = model.model_fields.get("kind")
    if kind is not None and get_origin(kind.annotation) is Literal:
        return word in get_args(kind.annotation)
    return word in names_of((model,))[:1]
