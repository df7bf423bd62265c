"""Bodies and faces as numbers: skeletons, meshes and morphable faces, and the maps drawn of them."""
