module-library = Library
