module-assistant = Assistant
