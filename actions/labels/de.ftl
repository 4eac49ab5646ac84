module-assistant = Assistent
