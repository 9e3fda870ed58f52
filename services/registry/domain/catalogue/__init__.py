"""The region's catalogue of services (442-FZ art. 8): services in versions, calculations by them, proposals of new ones."""
