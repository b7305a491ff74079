"""XML from strangers, parsed safely: no entities of its own, no network, and bounded depth."""

from lxml import etree  # type: ignore[import-untyped]

from index.readers.markup import Element


def parse_xml(data: bytes) -> Element:
    """The root of a document.

    Raises:
        lxml.etree.LxmlError: it is not well-formed, or nested more than 256 deep.
        ValueError: it declares entities, which no document of these formats does.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    root = etree.fromstring(data, parser)
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and next(iter(declared.iterentities()), None) is not None:
        raise ValueError("it declares entities")
    return root
