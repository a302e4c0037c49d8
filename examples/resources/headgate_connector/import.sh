terraform import headgate_connector.shop 'connect/shop-jdbc'
