module-archive = Archive
