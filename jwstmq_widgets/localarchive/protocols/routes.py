"""Which path of the local archive leads where."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from jwstmq_widgets.localarchive.accounts import whoami
from jwstmq_widgets.localarchive.holdings import Holdings
from jwstmq_widgets.localarchive.protocols import bundle, cloudpaths, files, mast, missionsearch, resolver
from jwstmq_widgets.localarchive.protocols.exchange import Answer, Asked, json_answer, text_answer

__all__ = ["answer"]

Endpoint = Callable[[Asked, Holdings], Answer]


def _whoami(asked: Asked, holdings: Holdings) -> Answer:  # noqa: ARG001
    return json_answer(whoami(asked.account))


def _bundle(asked: Asked, holdings: Holdings) -> Answer:
    return bundle.bundle_script(asked, holdings, datetime.now(UTC))


def _welcome(asked: Asked, holdings: Holdings) -> Answer:
    return text_answer(
        f"A local archive of JWST: {holdings.count(())} observations, made up from facts of real programs.\n"
        f"It speaks MAST's protocols. In Python: jwstmq_widgets.open_archive({asked.url!r})\n"
        f"And ESA's: TAP at {asked.url}/server/tap. In Python: jwstmq_widgets.open_archive('{asked.url}/server')\n"
    )


_READ = ("GET", "HEAD")
_ASK = ("GET", "POST")
_ROUTES: Mapping[str, tuple[tuple[str, ...], Endpoint]] = MappingProxyType(
    {
        "/": (_READ, _welcome),
        "/whoami": (_READ, _whoami),
        "/api/v0/invoke": (_ASK, mast.invoke),
        "/portal/Mashup/Mashup.asmx/invoke": (_ASK, mast.invoke),
        "/portal/Mashup/Mashup.asmx/columnsconfig": (_ASK, mast.columnsconfig),
        # the paths that jwst_mast_query asks
        "/portal_jwst/Mashup/Mashup.asmx/invoke": (_ASK, mast.invoke),
        "/portal_jwst/Mashup/Mashup.asmx/columnsconfig": (_ASK, mast.columnsconfig),
        "/jwst/api/v0.1/download/file": (_READ, files.download),
        "/api/v0.1/Download/file": (_READ, files.download),
        "/api/v0.1/Download/bundle.sh": (_ASK, _bundle),
        "/api/v0.1/path_lookup/": (_READ, cloudpaths.path_lookup),
        "/search/util/api/v0.1/column_list": (_READ, missionsearch.column_list),
        "/search/jwst/api/v0.1/search": (("POST",), missionsearch.search),
        "/search/jwst/api/v0.1/post_list_products": (("POST",), missionsearch.post_list_products),
        "/search/jwst/api/v0.1/list_products": (_READ, missionsearch.list_products),
        "/search/jwst/api/v0.1/retrieve_product": (_READ, files.retrieve_product),
        "/Santa-war/query": (_READ, resolver.resolve),
        # S, N and V: SIMBAD, NED and VizieR; here all of them know the same
        **{f"/cgi-bin/nph-sesame/{who}": (_READ, resolver.sesame) for who in ("S", "N", "V", "SNV")},
    }
)


def answer(asked: Asked, holdings: Holdings) -> Answer:
    """Answer a request; 404 and 405 for what is not served."""
    methods, endpoint = _ROUTES.get(asked.path, ((), None))
    if endpoint is None:
        return json_answer({"message": "there is nothing at this path"}, status=404)
    if asked.method not in methods:
        return json_answer({"message": "not this way"}, status=405, headers={"Allow": ", ".join(methods)})
    return endpoint(asked, holdings)
