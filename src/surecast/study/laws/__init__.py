"""Input laws: each maps to and from independent uniforms and standard normals, with a log density."""
