"""English text is on the ground floor: nothing in it knows a stage."""

import grimp


def test_text_imports_no_stage_and_no_other_room():
    graph = grimp.build_graph("pipelines", "dalle_model", cache_dir=None)
    inside = {module for module in graph.modules if module.startswith("pipelines.text")}
    assert "pipelines.text.entities.recognition" in inside
    imported = {
        name for module in inside for name in graph.find_modules_directly_imported_by(module)
    }
    assert imported - inside <= {
        "dalle_model.errors",
        "dalle_model.files",
        "dalle_model.mini.hashtags",  # steps of captions that a model reads by as well
        "dalle_model.mini.normalise",
    }


def test_folding_needs_nothing_else():
    graph = grimp.build_graph("pipelines", include_external_packages=True, cache_dir=None)
    assert graph.find_upstream_modules("pipelines.text.folding") == set()
